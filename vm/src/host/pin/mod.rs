//! Where the threads and the memory of guests go: a pure function of the topology and what is asked for.
//!
//! ```text
//!   Request (guests with their threads, client) ─┐
//!   Topology ────────────────────────────────────┴─ plan ──> PinPlan ──> placement (applied, read back)
//!                              assign: guests to nodes ──> fit: threads to CPUs of one node
//! ```
//!
//! Every vCPU gets a CPU of its own, on a core of its own where there is room; vhost threads, iothreads, QEMU itself and
//! the client get cores, then CPUs, of their own, else they share what is left. CPU 0 and CPUs that serve interrupts of a
//! NIC are left out as long as there are others. What had to be given up is said in [`PinPlan::notes`].

mod fit;
mod plan;
mod request;

pub use plan::plan;
pub use request::{
    Cell, GuestPins, GuestPlan, GuestRequest, NodeChoice, PinPlan, Request, Shortage, Siblings,
};
