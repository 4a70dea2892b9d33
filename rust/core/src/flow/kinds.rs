//! A network for each kind of device.

use super::network::Network;
use crate::quotient::Quotient;

/// The networks of one quotient, by kind.
#[derive(Debug)]
pub(crate) struct Networks<'q, 'a>(Vec<Network<'q, 'a>>);

impl<'q, 'a> Networks<'q, 'a> {
    /// Builds the networks in O((nodes + reads) kinds).
    pub(crate) fn new(quotient: &'q Quotient<'a>) -> Self {
        Self(quotient.instance().views().map(|view| Network::new(quotient, view)).collect())
    }

    /// The network of a kind.
    pub(crate) fn on(&mut self, kind: usize) -> &mut Network<'q, 'a> {
        &mut self.0[kind]
    }

    /// Arcs that searches have visited so far.
    pub(crate) fn steps(&self) -> u64 {
        self.0.iter().map(Network::steps).sum()
    }
}
