/* Stands in for uperf and for ntttcp in tests: serves on their ports, moves bytes for a time, prints what one of them was
 * seen to print.
 *
 *   uperf:   standin -s                     serves port 20000
 *            standin -m PROFILE             sends to the profile's remotehost for 4 seconds
 *   ntttcp:  standin -r -m S,*,ADDRESS ..   serves ports 5000 and 5001, ends with its sender
 *            standin -s -m S,*,ADDRESS ..   sends to port 5001 for 4 seconds
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char *printed(void);

static int listen_on(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 8)) {
        perror("listening");
        exit(1);
    }
    return fd;
}

static void serve(int fd, int once) {
    static char bytes[65536];
    do {
        int peer = accept(fd, NULL, NULL);
        while (peer >= 0 && read(peer, bytes, sizeof bytes) > 0)
            ;
        close(peer);
    } while (!once);
}

static void send_to(const char *address, int port, int seconds) {
    static char bytes[4096];
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &there.sin_addr);
    if (connect(fd, (struct sockaddr *)&there, sizeof there)) {
        perror(address);
        exit(1);
    }
    for (time_t end = time(NULL) + seconds; time(NULL) < end; poll(NULL, 0, 2))
        if (write(fd, bytes, sizeof bytes) < 0)
            exit(1);
    close(fd);
}

int main(int argc, char **argv) {
    const char *mapping = NULL, *profile = NULL;
    int receives = 0, sends = 0;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        receives |= !strcmp(argv[i], "-r");
        sends |= !strcmp(argv[i], "-s");
        if (!strcmp(argv[i], "-m") && i + 1 < argc)
            mapping = profile = argv[i + 1];
    }
    if (receives) {
        int agree = listen_on(5000), data = listen_on(5001);
        serve(data, 1);
        close(agree);
    } else if (sends && !mapping) {
        serve(listen_on(20000), 0);
    } else if (sends) {
        send_to(strrchr(mapping, ',') + 1, 5001, 4);
    } else {
        static char text[8192], address[64];
        FILE *file = fopen(profile, "r");
        if (!file || !fread(text, 1, sizeof text - 1, file))
            return 1;
        const char *host = strstr(text, "remotehost=");
        if (!host || sscanf(host, "remotehost=%63s", address) != 1)
            return 1;
        send_to(address, 20000, 4);
    }
    fputs(printed(), stdout);
    return 0;
}
