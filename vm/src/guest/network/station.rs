//! The frames of a station that watches a guest: ARP (RFC 826) and ICMP echoes in IPv4 (RFC 791, RFC 792). Pure functions of
//! bytes.

use super::Mac;
use std::net::Ipv4Addr;

/// A hardware address as it stands in a frame.
type Hardware = [u8; 6];

const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
/// Reverse ARP (RFC 903): with it QEMU tells the network where a guest is that has moved (QEMU's net/announce.c).
const RARP: [u8; 2] = [0x80, 0x35];
/// The protocol in an IPv4 head.
const ICMP: u8 = 1;
/// An ICMP echo, and its answer.
const ECHO: u8 = 8;
const ANSWER: u8 = 0;
/// Begins what perfvt's own questions carry.
const MARK: [u8; 4] = *b"pvto";
/// The shortest frame of an Ethernet, without its sum.
const SHORTEST: usize = 60;

/// What a frame is to the station.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It asks something; this is the answer.
    Asks(Vec<u8>),
    /// It answers a question.
    Answers {
        /// Of which watch.
        watch: u32,
        /// Which question of it.
        number: u32,
    },
    /// It tells where its sender is, and asks nothing.
    Announces,
    /// Nothing.
    Nothing,
}

/// A station: its addresses, and the hardware address of whoever it asks.
#[derive(Debug)]
pub(super) struct Station {
    ip: Ipv4Addr,
    mac: Hardware,
    peer: Option<(Ipv4Addr, Hardware)>,
}

impl Station {
    pub(super) fn new(ip: Ipv4Addr, mac: Mac) -> Station {
        Station { ip, mac: mac.bytes(), peer: None }
    }

    /// Asks everybody for the hardware address of an IPv4 address.
    pub(super) fn who_has(&self, ip: Ipv4Addr) -> Vec<u8> {
        self.arp(1, ([0xff; 6], [0; 6]), ip)
    }

    /// A question of a watch; `None` while the hardware address of that guest is not known.
    pub(super) fn echo(&self, to: Ipv4Addr, watch: u32, number: u32) -> Option<Vec<u8>> {
        let (_, hardware) = self.peer.filter(|(ip, _)| *ip == to)?;
        let mut message = vec![ECHO, 0, 0, 0];
        message.extend(b"pv");
        message.extend((number as u16).to_be_bytes());
        message.extend(MARK);
        message.extend(watch.to_be_bytes());
        message.extend(number.to_be_bytes());
        Some(self.icmp((to, hardware), message))
    }

    /// What a frame says, and what it is answered.
    pub(super) fn hear(&mut self, frame: &[u8]) -> Heard {
        let (Some(sender), Some(kind)) = (part::<6>(frame, 6), part::<2>(frame, 12)) else {
            return Heard::Nothing;
        };
        match kind {
            ARP => self.hear_arp(frame),
            RARP => Heard::Announces,
            IPV4 => self.hear_ipv4(frame, sender).unwrap_or(Heard::Nothing),
            _ => Heard::Nothing,
        }
    }

    fn hear_arp(&mut self, frame: &[u8]) -> Heard {
        let (Some(operation), Some(hardware), Some(ip), Some(wanted)) =
            (part::<2>(frame, 20), part::<6>(frame, 22), part::<4>(frame, 28), part::<4>(frame, 38))
        else {
            return Heard::Nothing;
        };
        let ip = Ipv4Addr::from(ip);
        if !ip.is_unspecified() && ip != self.ip {
            self.peer = Some((ip, hardware));
        }
        match operation == [0, 1] && Ipv4Addr::from(wanted) == self.ip {
            true => Heard::Asks(self.arp(2, (hardware, hardware), ip)),
            false if ip == Ipv4Addr::from(wanted) => Heard::Announces,
            false => Heard::Nothing,
        }
    }

    fn hear_ipv4(&self, frame: &[u8], sender: Hardware) -> Option<Heard> {
        let head = frame.get(14..)?;
        let words = usize::from(head.first()? & 0xf);
        let length = usize::from(u16::from_be_bytes(part(head, 2)?));
        let (from, to) = (Ipv4Addr::from(part::<4>(head, 12)?), Ipv4Addr::from(part::<4>(head, 16)?));
        if head.first()? >> 4 != 4 || *head.get(9)? != ICMP || to != self.ip {
            return None;
        }
        let message = head.get(words * 4..length)?;
        match (*message.first()?, part::<4>(message, 8)) {
            (ECHO, _) => {
                let mut answer = message.to_vec();
                answer.get_mut(..4)?.copy_from_slice(&[ANSWER, 0, 0, 0]);
                Some(Heard::Asks(self.icmp((from, sender), answer)))
            }
            (ANSWER, Some(MARK)) => {
                let number = |at| Some(u32::from_be_bytes(part(message, at)?));
                Some(Heard::Answers { watch: number(12)?, number: number(16)? })
            }
            _ => None,
        }
    }

    fn arp(&self, operation: u16, (to, wanted): (Hardware, Hardware), ip: Ipv4Addr) -> Vec<u8> {
        let mut frame = self.head(to, ARP);
        // Ethernet and IPv4, with addresses of 6 and 4 bytes.
        frame.extend([0, 1, 8, 0, 6, 4]);
        frame.extend(operation.to_be_bytes());
        frame.extend(self.mac);
        frame.extend(self.ip.octets());
        frame.extend(wanted);
        frame.extend(ip.octets());
        padded(frame)
    }

    fn icmp(&self, (to, hardware): (Ipv4Addr, Hardware), mut message: Vec<u8>) -> Vec<u8> {
        let checked = sum(&message);
        message.iter_mut().skip(2).zip(checked).for_each(|(byte, sum)| *byte = sum);
        let length = u16::try_from(20 + message.len()).unwrap_or(u16::MAX);
        let mut head = vec![0x45, 0];
        head.extend(length.to_be_bytes());
        // No part of a larger packet, 64 hops.
        head.extend([0, 0, 0x40, 0, 64, ICMP, 0, 0]);
        head.extend(self.ip.octets());
        head.extend(to.octets());
        let checked = sum(&head);
        head.iter_mut().skip(10).zip(checked).for_each(|(byte, sum)| *byte = sum);
        let mut frame = self.head(hardware, IPV4);
        frame.extend(head);
        frame.extend(message);
        padded(frame)
    }

    fn head(&self, to: Hardware, kind: [u8; 2]) -> Vec<u8> {
        [&to[..], &self.mac, &kind].concat()
    }
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

/// So many bytes at a place.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The checksum of IPv4 and ICMP (RFC 1071), of bytes in which its own place is zero.
fn sum(bytes: &[u8]) -> [u8; 2] {
    let mut total: u32 = 0;
    for pair in bytes.chunks(2) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        total += u32::from(u16::from_be_bytes([high, low]));
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    (!(total as u16)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stations() -> [Station; 2] {
        let of = |last| Station::new(Ipv4Addr::new(10, 0, 0, last), Mac::of(0, last));
        [of(1), of(2)]
    }

    #[test]
    fn a_checksum_is_that_of_the_standards_example() {
        // RFC 1071, 3: the sum of these is ddf2.
        let sum = sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum, (!0xddf2_u16).to_be_bytes());
    }

    #[test]
    fn two_stations_find_one_another_and_answer_each_others_questions() {
        let [mut one, mut other] = stations();
        assert_eq!(one.echo(other.ip, 7, 70_000), None);
        let Heard::Asks(answer) = other.hear(&one.who_has(other.ip)) else { panic!("no answer") };
        assert_eq!(one.hear(&answer), Heard::Nothing);
        let question = one.echo(other.ip, 7, 70_000).unwrap();
        assert!(question.len() >= SHORTEST);
        let Heard::Asks(answer) = other.hear(&question) else { panic!("no answer") };
        assert_eq!(one.hear(&answer), Heard::Answers { watch: 7, number: 70_000 });
        assert_eq!(other.hear(&answer), Heard::Nothing, "it is for somebody else");
    }

    #[test]
    fn whoever_has_moved_is_heard_when_its_qemu_or_itself_says_so() {
        let [mut one, other] = stations();
        // A request for one's own address, and what QEMU sends.
        let of_its_own = other.who_has(other.ip);
        assert_eq!(one.hear(&of_its_own), Heard::Announces);
        let mut by_qemu = of_its_own;
        by_qemu[12..14].copy_from_slice(&RARP);
        assert_eq!(one.hear(&by_qemu), Heard::Announces);
    }

    #[test]
    fn what_is_cut_off_or_somebody_elses_is_nothing() {
        let [mut one, mut other] = stations();
        let Heard::Asks(answer) = other.hear(&one.who_has(other.ip)) else { panic!("no answer") };
        one.hear(&answer);
        let question = one.echo(other.ip, 1, 1).unwrap();
        for length in 0..14 + 20 {
            assert_eq!(other.hear(&question[..length]), Heard::Nothing, "{length}");
        }
        assert_eq!(other.hear(&[0xff; 100]), Heard::Nothing);
        let mut odd = question;
        odd[14] = 0x4f;
        assert_eq!(other.hear(&odd), Heard::Nothing);
    }
}
