//! Slow links of taps on a host whose kernel has netem: a guest under emulation is that host.

use crate::nested_support;

use nested_support::{Host, MARK, is_inside};
use process::Spec;
use std::time::{Duration, Instant};
use vm::guest::network::{Kind, Layout, Network, NicWiring, Shape, unusable};

const SOON: Duration = Duration::from_secs(60);

/// How many packets netem dropped, as `tc -s qdisc` tells.
fn dropped(shown: &str) -> Option<u32> {
    shown.split_once("(dropped ")?.1.split(',').next()?.parse().ok()
}

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_with_netem() {
    if !is_inside("nested_netem::inside_of_a_host_with_netem") {
        return;
    }
    let mut layout = Layout::simple(Kind::Tap);
    layout.links[0].shapes[0] = Shape { delay_ns: 30_000_000, loss_ppm: 500_000, ..Shape::default() };
    let wrong: Vec<String> = unusable(&layout).iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let network = Network::create(&layout, 1, "t").unwrap();
    let namespace = network.namespace.clone().unwrap();
    let wants = [NicWiring { vhost: false, queues: 1 }];
    // What holds the tap as QEMU would.
    let holder = Spec::new("sleep").arg("600").namespace(Some(&namespace));
    let _holder = holder.inherit(network.opened(0, &wants).unwrap()).start().unwrap();
    network.plug(0).unwrap();
    let inside = |program: &str, args: &[&str]| {
        let out = process::run(Spec::new(program).args(args).namespace(Some(&namespace)), SOON);
        String::from_utf8(out.unwrap_or_else(|e| panic!("{e}"))).unwrap()
    };
    let tap = network.wires.tap(0, 0);
    let qdisc = || inside("tc", &["-s", "qdisc", "show", "dev", &tap]);
    let made = qdisc();
    assert!(made.contains("netem") && made.contains("delay 30ms") && made.contains("loss 50%"), "{made}");
    let to = ["192.168.100.2", "lladdr", "52:54:00:70:76:01", "dev", "pvtbr0", "nud", "permanent"];
    inside("ip", &[&["neighbour", "replace"][..], &to].concat());
    inside("bash", &["-c", "for n in {1..60}; do echo x > /dev/udp/192.168.100.2/9; done"]);
    // Half of sixty is lost: fewer than ten, or more than fifty, once in ten million times.
    let until = Instant::now() + SOON;
    while dropped(&qdisc()).is_none_or(|dropped| dropped < 10) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let lost = dropped(&qdisc()).unwrap();
    println!("{MARK}lost {lost}");
    assert!((10..=50).contains(&lost), "{}", qdisc());
    println!("{MARK}done");
}

#[test]
fn a_tap_on_a_host_with_netem_is_as_slow_and_loses_as_much_as_its_keys_say() {
    let modules = &["llc.ko", "stp.ko", "bridge.ko", "tun.ko", "sch_netem.ko"];
    let host = Host { cpu: "qemu64", modules };
    if let Err(why) = host.run("nested_netem::inside_of_a_host_with_netem") {
        testing::skip(format_args!("the nested test: {why}"));
    }
}
