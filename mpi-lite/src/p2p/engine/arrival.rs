//! Messages from other ranks.

use super::super::header::{Header, Kind};
use super::{Core, Unexpected};
use crate::abi::MPI_ERR_INTERN;
use crate::error::MpiError;

impl Core {
    /// Takes a message of `from`.
    pub(super) fn message(&mut self, from: u32, bytes: &[u8]) {
        let decoded = Header::decode(bytes);
        let (Some((header, data)), Some(peer)) = (decoded, self.peers.get_mut(from as usize)) else {
            let text = format!(
                "rank {from} sent {} bytes which are no message of this version of unirank",
                bytes.len()
            );
            self.failed.get_or_insert(MpiError::new(MPI_ERR_INTERN, text));
            return;
        };
        peer.credit = peer.credit.saturating_add(header.credit);
        match header.kind {
            Kind::Eager | Kind::Rendezvous => {
                if header.sequence != peer.next_in {
                    peer.early.insert(header.sequence, bytes.into());
                    return;
                }
                self.in_order(from, &header, data);
            }
            Kind::Credit => {}
            Kind::Fin => {
                if let Some((request, _)) = self.by_token(header.token) {
                    self.complete(request);
                }
            }
            Kind::Clear => self.clear(from, &header),
            Kind::Piece => self.piece(from, &header),
            Kind::PieceRead => self.piece_read(&header),
        }
    }

    /// Matches the next message of `from`, and those that came early and follow it.
    fn in_order(&mut self, from: u32, header: &Header, data: &[u8]) {
        self.match_message(from, header, data);
        loop {
            let peer = &mut self.peers[from as usize];
            peer.next_in = peer.next_in.wrapping_add(1);
            if peer.early.is_empty() {
                return;
            }
            let Some(bytes) = peer.early.remove(&peer.next_in) else { return };
            if let Some((header, data)) = Header::decode(&bytes) {
                self.match_message(from, &header, data);
            }
        }
    }

    fn match_message(&mut self, from: u32, header: &Header, data: &[u8]) {
        let envelope = &header.envelope;
        let receive = self.matcher.arrive(envelope);
        match (receive, header.kind) {
            (Some(receive), Kind::Eager) => self.receive_eager(receive, envelope, from, header.token, data),
            (Some(receive), _) => self.pull(receive, from, header),
            (None, Kind::Eager) => {
                let message = Unexpected::Eager { from, token: header.token, data: data.into() };
                self.matcher.keep(envelope, message);
            }
            (None, _) => self.matcher.keep(envelope, Unexpected::Rendezvous { from, header: *header }),
        }
    }
}
