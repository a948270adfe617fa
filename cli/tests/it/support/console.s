# A guest of two sectors for tests of screens: an installer and the system that it installs, both on a VGA in text mode, with the
# keyboard, the disk and the clock of the BIOS. The installer asks, writes the second sector to the place of the first and waits to
# be switched off. The system asks for a login, greets, echoes what is typed, and shows a clock in the upper right corner; the
# escape key clears its screen. Assembled by `as --32`, linked at 0x7c00 as a flat binary.
        .code16
        .globl _start

# ---- sector 0: the installer
_start: ljmp    $0, $1f
1:      xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    %dl, drive
        movw    $3, %ax
        int     $0x10
        movw    $question, %si
        call    iprint
iask:   xorb    %ah, %ah
        int     $0x16
        cmpb    $'y', %al
        jne     iask
        movw    $copying, %si
        call    iprint
        movw    $packet_in, %si         # LBA 1 to 0x8000
        movb    $0x42, %ah
        call    disk
        movw    $packet_out, %si        # and from there to LBA 0
        movw    $0x4300, %ax
        call    disk
        movw    $done, %si
        call    iprint
ihalt:  hlt
        jmp     ihalt
disk:   movb    drive, %dl
        int     $0x13
        jc      failed
        ret
failed: movw    $bad, %si
        call    iprint
        jmp     ihalt
iprint: lodsb
        testb   %al, %al
        jz      2f
        movw    $7, %bx
        movb    $0x0e, %ah
        int     $0x10
        jmp     iprint
2:      ret
packet_in:  .byte 16, 0, 1, 0
            .word 0x8000, 0
            .quad 1
packet_out: .byte 16, 0, 1, 0
            .word 0x8000, 0
            .quad 0
drive:  .byte   0
question: .asciz "perfvt test installer\r\n\r\nInstall to the first disk? [y/n] "
copying: .asciz "\r\nCopying files\r\n"
done:   .asciz "Installation complete\r\n"
bad:    .asciz "The disk does not answer\r\n"
        .org    510
        .word   0xaa55

# ---- sector 1: the system, which runs where sector 0 did
        .set    AT, 512                 # what its addresses are too large by
system: ljmp    $0, $(3f - AT)
3:      xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        cld
fresh:  movw    $3, %ax
        int     $0x10
        movw    $(banner - AT), %si
        call    print
        movw    $(login - AT), %si
        call    print
        movw    $name, %di
        call    line
        movw    $(hello - AT), %si
        call    print
        movw    $name, %si
        call    print
shell:  movw    $(prompt - AT), %si
        call    print
        movw    $name, %di
        call    line
        jmp     shell

# A line of the keyboard to di, echoed, with a clock meanwhile.
line:   movw    %di, %bp
4:      call    clock
        movb    $1, %ah
        int     $0x16
        jz      4b
        xorb    %ah, %ah
        int     $0x16
        cmpb    $27, %al
        je      blank
        cmpb    $13, %al
        je      6f
        cmpb    $8, %al
        je      5f
        cmpw    $(name + 60), %di
        jae     4b
        stosb
        call    put
        jmp     4b
5:      cmpw    %bp, %di
        je      4b
        decw    %di
        call    put
        movb    $' ', %al
        call    put
        movb    $8, %al
        call    put
        jmp     4b
6:      xorb    %al, %al
        stosb
        ret
blank:  movw    $3, %ax
        int     $0x10
        jmp     4b

# Hours, minutes and seconds of the real-time clock, in the last columns of the first row.
clock:  pushw   %es
        pushw   %di
        movb    $2, %ah
        int     $0x1a
        jc      7f
        movw    $0xb800, %ax
        movw    %ax, %es
        movw    $(2 * 70), %di
        movb    %ch, %al
        call    two
        movb    %cl, %al
        call    two
        movb    %dh, %al
        call    two
7:      popw    %di
        popw    %es
        ret
two:    movb    %al, %ah
        shrb    $4, %al
        andb    $15, %ah
        addw    $0x3030, %ax
        stosb
        movb    $15, %es:(%di)
        incw    %di
        movb    %ah, %al
        movb    $15, %ah
        stosw
        movb    $':', %al
        stosw
        ret

print:  lodsb
        testb   %al, %al
        jz      8f
        call    put
        jmp     print
8:      ret
put:    pushw   %bp
        movw    $7, %bx
        movb    $0x0e, %ah
        int     $0x10
        popw    %bp
        ret
banner: .asciz  "Guest 1\r\n\r\n"
login:  .asciz  "vm1 login: "
hello:  .asciz  "\r\nWelcome, "
prompt: .asciz  "\r\n$ "
        .set    name, 0x9000
        .org    1022
        .word   0xaa55
