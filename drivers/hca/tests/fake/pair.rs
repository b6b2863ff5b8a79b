//! Two ranks with a queue pair each, connected to one another.

use unirank_hca::{
    Completion, CompletionQueue, Device, Event, PostError, QpInit, QueuePair, Rank, SendRequest, Service,
    Sge, SharedReceiveQueue,
};

use super::Fabric;

/// Two connected ranks.
pub struct Pair {
    pub fabric: Fabric,
    pub devices: [Device; 2],
    pub cqs: [CompletionQueue; 2],
    pub srqs: [SharedReceiveQueue; 2],
    pub qps: [QueuePair; 2],
}

pub fn pair(cqes: usize, send_blocks: usize, srq_wqes: usize) -> Pair {
    pair_with(cqes, srq_wqes, |init| init.send_blocks = send_blocks)
}

pub fn pair_with(cqes: usize, srq_wqes: usize, adjust: impl Fn(&mut QpInit)) -> Pair {
    let fabric = Fabric::new(2);
    let devices = [0, 1].map(|rank| fabric.open(rank));
    let cqs = [0, 1].map(|rank| devices[rank].create_cq(cqes).unwrap());
    let pds = [0, 1].map(|rank| devices[rank].alloc_pd().unwrap());
    let srqs = [0, 1].map(|rank| devices[rank].create_srq(&pds[rank], srq_wqes, 3).unwrap());
    let qps = [0, 1].map(|rank| {
        let mut init = QpInit::new(&pds[rank], &cqs[rank], &cqs[rank]);
        init.srq = Some(srqs[rank].clone());
        adjust(&mut init);
        devices[rank].create_qp(&init).unwrap()
    });
    qps[0].connect(Rank(1), Service(0)).unwrap();
    assert_eq!(
        devices[1].poll_event(),
        Ok(Some(Event::ConnectRequest { peer: Rank(0), service: Service(0) }))
    );
    qps[1].connect(Rank(0), Service(0)).unwrap();
    for rank in 0..2 {
        let connected =
            Event::Connected { peer: Rank(1 - rank as u32), qpn: qps[rank].number(), service: Service(0) };
        assert_eq!(devices[rank].poll_event(), Ok(Some(connected)));
        assert_eq!(devices[rank].poll_event(), Ok(None));
    }
    Pair { fabric, devices, cqs, srqs, qps }
}

impl Pair {
    pub fn sge(&self, bytes: &[u8]) -> Sge {
        Sge::new(bytes.as_ptr(), bytes.len() as u32, self.devices[0].lkey())
    }

    /// Entry for memory that the adapter writes.
    pub fn sge_mut(&self, bytes: &mut [u8]) -> Sge {
        Sge::new(bytes.as_mut_ptr(), bytes.len() as u32, self.devices[0].lkey())
    }

    /// Posts on rank 0. The buffers of the tests outlive the request, as the fake runs it at once or before they end.
    pub fn send(&self, request: SendRequest<'_>) -> Result<(), PostError> {
        // SAFETY: see above.
        unsafe { self.qps[0].post_send(&request) }
    }

    /// Posts a receive on rank 1; buffers as for `send`.
    pub fn receive(&self, wr_id: u64, sges: &[Sge]) -> Result<(), PostError> {
        // SAFETY: see `send`.
        unsafe { self.srqs[1].post(wr_id, sges) }?;
        self.srqs[1].ring();
        Ok(())
    }

    pub fn poll(&self, rank: usize) -> Vec<Completion> {
        let mut completions = [Completion::EMPTY; 64];
        let count = self.cqs[rank].poll(&mut completions).unwrap();
        completions[..count].to_vec()
    }

    pub fn one(&self, rank: usize) -> Completion {
        let completions = self.poll(rank);
        assert_eq!(completions.len(), 1, "{completions:?}");
        completions[0]
    }
}
