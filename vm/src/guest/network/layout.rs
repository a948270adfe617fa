//! What joins server and client: the links of a scenario with their addresses. What cannot work together is refused here,
//! before anything is made.

use super::NetworkError;
use super::client::ClientPlace;
use super::kind::{Home, Kind, Link, default_address};
use crate::scenario::Scenario;

/// All links of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Who talks to whom.
    pub scenario: Scenario,
    /// Where the client is.
    pub client: ClientPlace,
    /// The first carries the data, the last the control connections.
    pub links: Vec<Link>,
    /// How far guests reach over QEMU's user-mode network.
    pub reach: Reach,
}

/// How far a guest reaches over QEMU's user-mode network by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nowhere: it answers those who come over forwarded ports.
    #[default]
    Nowhere,
    /// As far as this host does, and to what listens on this host's loopback.
    Net,
}

impl Layout {
    /// One NIC of a kind, with the client on the host.
    pub fn simple(kind: Kind) -> Layout {
        let server = default_address(kind, 0);
        let client = (kind.home() != Home::Ports).then(|| server.neighbour());
        let link = Link {
            nic: "nic1".into(),
            kind,
            device: None,
            mtu: 1500,
            server: Some(server),
            client,
            shapes: Default::default(),
            vde: None,
        };
        Layout {
            scenario: Scenario::HostGuest,
            client: ClientPlace::Host,
            links: vec![link],
            reach: Reach::Nowhere,
        }
    }

    /// These links, the first of which carries the data.
    ///
    /// # Errors
    /// They cannot work together.
    pub fn new(
        scenario: Scenario,
        client: ClientPlace,
        links: Vec<Link>,
        reach: Reach,
    ) -> Result<Layout, NetworkError> {
        let layout = Layout { scenario, client, links, reach };
        layout.check()?;
        Ok(layout)
    }

    /// Whether guests are shut in with their forwarded ports.
    pub fn is_shut_in(&self) -> bool {
        self.reach == Reach::Nowhere && self.has(Home::Ports)
    }

    /// Its taps alone, for a client on the host.
    pub(super) fn taps(&self) -> Layout {
        let mut taps = Layout::simple(Kind::Tap);
        taps.links = self.links.iter().filter(|link| link.kind.home() == Home::Namespace).cloned().collect();
        taps
    }

    /// Whether some link lives on this.
    pub fn has(&self, home: Home) -> bool {
        self.links.iter().any(|link| link.kind.home() == home)
    }

    /// The link that carries the data.
    pub fn data(&self) -> Option<&Link> {
        self.links.first()
    }

    /// The link of the control connections.
    pub fn control(&self) -> Option<&Link> {
        self.links.last()
    }

    /// The kinds, each once, as files name them.
    pub fn kinds(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for link in &self.links {
            if !words.contains(&link.kind.word()) {
                words.push(link.kind.word());
            }
        }
        words.join(",")
    }

    fn check(&self) -> Result<(), NetworkError> {
        if self.has(Home::Namespace) && self.has(Home::Bridge) {
            return Err(NetworkError::Refused(
                "net=tap lives in a network namespace of perfvt's own and net=bridge on the host; one QEMU cannot be in \
                 both: give each NIC a bridge, or none"
                    .into(),
            ));
        }
        for link in &self.links {
            let Some(reason) = link.kind.refuses(&self.client) else { continue };
            let (scenario, kind, nic) = (self.scenario, link.kind.word(), &link.nic);
            return Err(NetworkError::Refused(format!("{scenario}: net={kind} of {nic} {reason}")));
        }
        Ok(())
    }
}
