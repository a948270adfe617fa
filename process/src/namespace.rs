//! A user and network namespace of perfvt's own, in which even an ordinary user may create bridges and taps.
//!
//! The kernel removes everything in it when the last process and the last descriptor are gone, so nothing that is
//! created in there can be left behind (namespaces(7), user_namespaces(7)).

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// Open descriptors of the two namespaces; they live as long as this does, or a process in them.
#[derive(Debug)]
pub struct Namespace {
    pub(super) user: File,
    pub(super) net: File,
}

impl Namespace {
    /// Moves the calling process into both. Only for a child between fork and exec.
    pub(super) fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.user.as_fd(), Some(LinkNameSpaceType::User))?;
        self.enter_network()
    }

    /// Moves the calling process into the network alone, which takes root. Only for a child between fork and exec.
    pub(super) fn enter_network(&self) -> io::Result<()> {
        Ok(move_into_link_name_space(self.net.as_fd(), Some(LinkNameSpaceType::Network))?)
    }
}
