//! Every decoder against random bytes: no panic, and what decodes encodes back to something that decodes alike.

use unirank_hca::command::{Command, Opcode, Reply, Request, Response, Status};
use unirank_hca::cqe::{self, Cqe};
use unirank_hca::dbrec::ArmWord;
use unirank_hca::srq_wqe::{data_segments, decode_next};
use unirank_hca::wqe::{
    AtomicSeg, CtrlSeg, DataSeg, InlineHeader, MAX_DS, RaddrSeg, Segment, SendWqe, WqeError, segment,
};
use unirank_hca::{Access, Event, GuestAddr, Limits, Lkey, QpNum, Rkey, wqe};

/// xorshift64: the same bytes in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

const ROUNDS: usize = 200_000;

#[test]
fn requests_survive_any_bytes() {
    let mut random = Random(1);
    let mut decoded = [0usize; 16];
    for round in 0..ROUNDS {
        let mut bytes: [u8; 64] = random.bytes();
        if round % 8 != 0 {
            // A known opcode and small fields, so that bodies are reached and pass.
            bytes.chunks_exact_mut(4).for_each(|word| word[1..].fill(0));
            bytes[..4].copy_from_slice(&(random.below(17) as u32).to_le_bytes());
            for offset in (8..64).step_by(8) {
                if random.below(3) != 0 {
                    bytes[offset] &= 0xc0;
                }
            }
            // log2 of the stride of CREATE_SRQ and CREATE_QP.
            (bytes[29], bytes[50]) = (random.below(12) as u8, random.below(12) as u8);
        }
        match Request::decode(&bytes) {
            Ok(request) => {
                decoded[request.command.opcode() as usize] += 1;
                assert_eq!(Request::decode(&request.encode()), Ok(request));
                check_promises(&request.command);
            }
            Err((id, status)) => {
                assert_eq!(id.to_le_bytes(), bytes[4..8]);
                assert_ne!(status, Status::Ok);
            }
        }
    }
    // The path MTU of MODIFY_QP is never small: see `modify_requests_round_trip`.
    let missing = |opcode: &usize| decoded[*opcode] == 0 && *opcode != Opcode::ModifyQp as usize;
    assert_eq!((1..=15).find(missing), None, "opcode that never decoded");
}

/// What `Request::decode` says that it checks.
fn check_promises(command: &Command) {
    match command {
        Command::RegMr { addr, len, access, .. } => {
            assert!(addr.0.checked_add(*len).is_some());
            assert_eq!(Access::from_bits(access.bits()), Some(*access));
        }
        Command::CreateCq(cq) => {
            assert!(cq.log_cqes <= 22 && cq.buf.0 % 64 == 0 && cq.dbrec.0 % 64 == 0);
        }
        Command::CreateSrq(srq) => assert!((5..=10).contains(&srq.log_stride) && srq.log_wqes <= 15),
        Command::CreateQp(qp) => {
            assert!(qp.log_sq_wqebbs <= 15 && qp.log_rq_wqes <= 15 && qp.log_rq_stride <= 10);
            assert!(qp.sq_buf.0 % 64 == 0 && qp.rq_buf.0 % 64 == 0 && qp.send_cqn.0 < 1 << 24);
        }
        _ => {}
    }
}

#[test]
fn modify_requests_round_trip() {
    use unirank_hca::command::{ModifyMask, ModifyQp, QpState};
    let mut modify = ModifyQp::to_state(QpNum(0x123456), QpState::Rts);
    modify.mask = ModifyMask::STATE | ModifyMask::DEST_QPN | ModifyMask::RNR_RETRY;
    modify.access = Access::ALL;
    let request = Request { id: 9, command: Command::ModifyQp(modify) };
    assert_eq!(Request::decode(&request.encode()), Ok(request));
    // Each byte of the body changed to each of some values: refused or equal to what it encodes to.
    for offset in 8..64 {
        for value in [0, 1, 2, 0x20, 0x7f, 0x80, 0xff] {
            let mut bytes = request.encode();
            bytes[offset] = value;
            if let Ok(request) = Request::decode(&bytes) {
                assert_eq!(Request::decode(&request.encode()), Ok(request));
            }
        }
    }
    modify.path_mtu = 1000;
    let request = Request { id: 9, command: Command::ModifyQp(modify) };
    assert_eq!(Request::decode(&request.encode()), Err((9, Status::Invalid)));
}

#[test]
fn responses_survive_any_bytes() {
    let mut random = Random(2);
    for round in 0..ROUNDS {
        let mut bytes: [u8; 64] = random.bytes();
        if round % 2 == 0 {
            bytes[..4].fill(0);
        }
        let opcode = Opcode::from_u32(random.below(15) as u32 + 1).unwrap();
        let response = Response::decode(&bytes, opcode);
        assert_eq!(Response::decode(&response.encode(), opcode), response);
        if let Ok(Reply::Qp(qpn)) = response.result {
            assert!(qpn.0 < 1 << 24);
        }
    }
}

#[test]
fn events_limits_and_arm_words_survive_any_bytes() {
    let mut random = Random(3);
    for round in 0..ROUNDS {
        let mut bytes: [u8; 32] = random.bytes();
        if round % 2 == 0 {
            bytes[1..4].fill(0);
            bytes[0] %= 7;
        }
        if let Ok(event) = Event::decode(&bytes) {
            assert_eq!(Event::decode(&event.encode()), Ok(event));
        }
        let limits = Limits::decode(&random.bytes());
        assert!(limits.max_log_sq_wqebbs <= 15 && limits.max_log_cqes <= 22 && limits.max_log_rq_wqes <= 15);
        let word = ArmWord::decode(random.next() as u32);
        assert_eq!(ArmWord::decode(word.encode()), word);
    }
}

#[test]
fn completions_survive_any_bytes() {
    let mut random = Random(4);
    for _ in 0..ROUNDS {
        let bytes: [u8; cqe::BYTES] = random.bytes();
        match Cqe::decode(&bytes) {
            Ok(cqe) => assert_eq!(Cqe::decode(&cqe.encode(random.next() as u8)), Ok(cqe)),
            Err(opcode) => assert_eq!(opcode, bytes[cqe::offset::OP_OWN] >> 4),
        }
    }
}

#[test]
fn receive_entries_survive_any_bytes() {
    let mut random = Random(5);
    for _ in 0..ROUNDS / 4 {
        let bytes: [u8; 128] = random.bytes();
        let len = random.below(129) as usize;
        let log = random.below(16) as u32;
        if let Some(next) = decode_next(&bytes[..len], log) {
            assert!(u32::from(next) < 1 << log);
        }
        assert!(data_segments(&bytes[..len]).count() <= len / 16);
    }
}

/// Random shapes of every operation, written by hand here and read by the decoder.
#[test]
fn well_formed_wqes_decode_to_what_was_meant() {
    let mut random = Random(6);
    let opcodes =
        [0x00, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12].map(|raw| wqe::Opcode::from_u8(raw).unwrap());
    for _ in 0..ROUNDS / 10 {
        let opcode = opcodes[random.below(8) as usize];
        let remote = RaddrSeg { raddr: GuestAddr(random.next()), rkey: Rkey(random.next() as u32) };
        let atomic = AtomicSeg { swap_add: random.next(), compare: random.next() };
        let inline: Vec<u8> = (0..random.below(300)).map(|byte| byte as u8).collect();
        let lists = if opcode.is_atomic() { 1 } else { random.below(5) };
        let data: Vec<DataSeg> = (0..lists)
            .map(|_| DataSeg {
                len: if opcode.is_atomic() { 8 } else { random.below(1 << 20) as u32 },
                lkey: Lkey(random.next() as u32),
                addr: GuestAddr(random.next()),
            })
            .collect();

        let mut body: Vec<u8> = Vec::new();
        if opcode.has_raddr() {
            body.extend(remote.encode());
        }
        if opcode.is_atomic() {
            body.extend(atomic.encode());
        }
        let with_inline = !opcode.writes_local() && opcode != wqe::Opcode::Nop && !inline.is_empty();
        if with_inline {
            body.extend(InlineHeader { len: inline.len() as u32 }.encode());
            body.extend(&inline);
            body.resize(body.len().next_multiple_of(16), 0xee);
        }
        if opcode != wqe::Opcode::Nop {
            body.extend(data.iter().flat_map(|segment| segment.encode()));
        }
        let ctrl = CtrlSeg {
            opcode: opcode as u8,
            opmod: 0,
            index: random.next() as u16,
            qpn: QpNum(random.below(1 << 24) as u32),
            ds: (1 + body.len() / 16) as u8,
            flags: segment::CTRL_CQ_UPDATE,
            imm: random.next() as u32,
        };
        let bytes = [&ctrl.encode()[..], &body[..]].concat();
        let decoded = SendWqe::decode(&bytes, ctrl.qpn, ctrl.index).unwrap();
        assert_eq!((decoded.opcode, decoded.ctrl), (opcode, ctrl));
        assert!(decoded.signalled() && !decoded.fenced() && !decoded.solicited());
        if opcode.has_raddr() {
            assert_eq!(decoded.remote, remote);
        }
        if opcode.is_atomic() {
            assert_eq!(decoded.atomic, atomic);
        }
        let mut expected: Vec<Segment<'_>> = Vec::new();
        if with_inline {
            expected.push(Segment::Inline(&inline));
        }
        if opcode != wqe::Opcode::Nop {
            expected.extend(data.iter().map(|segment| Segment::Data(*segment)));
        }
        assert_eq!(decoded.segments().collect::<Vec<_>>(), expected);
        let len: u64 = expected.iter().map(len_of).sum();
        assert_eq!(u64::from(decoded.len), len);

        // The same WQE cut short, lengthened, or somebody else's is refused.
        assert!(SendWqe::decode(&bytes[..bytes.len() - 16], ctrl.qpn, ctrl.index).is_err());
        assert!(SendWqe::decode(&bytes[..bytes.len() - 1], ctrl.qpn, ctrl.index).is_err());
        let stale = SendWqe::decode(&bytes, ctrl.qpn, ctrl.index.wrapping_add(1));
        assert_eq!(stale, Err(WqeError::Index(ctrl.index)));
        assert!(SendWqe::decode(&bytes, QpNum(ctrl.qpn.0 ^ 1), ctrl.index).is_err());
    }
}

fn len_of(segment: &Segment<'_>) -> u64 {
    match segment {
        Segment::Inline(data) => data.len() as u64,
        Segment::Data(data) => u64::from(data.len),
    }
}

/// Random bytes behind a control segment that passes: the data of the decoded WQE lies in the bytes and has its length.
#[test]
fn hostile_wqes_are_refused_or_consistent() {
    let mut random = Random(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..ROUNDS {
        let ds = random.below(8) as usize + 1;
        let mut bytes: Vec<u8> = (0..ds * 16).map(|_| random.next() as u8).collect();
        let opcode = [0x00, 0x08, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x77][random.below(8) as usize];
        let ctrl = CtrlSeg { opcode, opmod: 0, index: 1, qpn: QpNum(2), ds: ds as u8, flags: 0, imm: 0 };
        bytes[..16].copy_from_slice(&ctrl.encode());
        for start in (16..bytes.len()).step_by(16) {
            // Short lengths, inline or not, so that some lists make sense.
            if random.below(4) != 0 {
                bytes[start..start + 3].copy_from_slice(&[random.below(2) as u8 * 0x80, 0, 0]);
            }
        }
        match SendWqe::decode(&bytes, QpNum(2), 1) {
            Ok(decoded) => {
                good += 1;
                assert!(decoded.len < 1 << 31);
                assert_eq!(
                    decoded.segments().map(|segment| len_of(&segment)).sum::<u64>(),
                    decoded.len.into()
                );
                assert!(decoded.segments().count() <= MAX_DS);
            }
            Err(error) => {
                bad += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(good > ROUNDS / 20 && bad > ROUNDS / 20, "{good} decoded, {bad} refused");
}

#[test]
fn malformed_wqes_are_named() {
    let ctrl =
        |opcode: u8, ds: u8| CtrlSeg { opcode, opmod: 0, index: 0, qpn: QpNum(1), ds, flags: 0, imm: 0 };
    let decode = |parts: &[[u8; 16]]| SendWqe::decode(&parts.concat(), QpNum(1), 0).map(drop);
    let data = DataSeg { len: 8, lkey: Lkey(1), addr: GuestAddr(0) }.encode();
    let inline = |len: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&InlineHeader { len }.encode());
        bytes
    };
    assert_eq!(decode(&[]), Err(WqeError::Size(0)));
    assert_eq!(decode(&[ctrl(0x0a, 0).encode()]), Err(WqeError::Size(0)));
    assert_eq!(decode(&[ctrl(0x0a, 2).encode()]), Err(WqeError::Size(2)));
    assert_eq!(decode(&[ctrl(0x25, 1).encode()]), Err(WqeError::Opcode(0x25)));
    assert_eq!(decode(&[CtrlSeg { opmod: 3, ..ctrl(0x0a, 1) }.encode()]), Err(WqeError::Opmod(3)));
    assert_eq!(decode(&[ctrl(0x08, 1).encode()]), Err(WqeError::Truncated));
    assert_eq!(decode(&[ctrl(0x11, 2).encode(), data]), Err(WqeError::Truncated));
    assert_eq!(decode(&[ctrl(0x0a, 2).encode(), inline(13)]), Err(WqeError::Inline(13)));
    assert_eq!(decode(&[ctrl(0x0a, 2).encode(), inline(0x7fff_ffff)]), Err(WqeError::Inline(0x7fff_ffff)));
    assert_eq!(decode(&[ctrl(0x0a, 2).encode(), inline(12)]), Ok(()));
    assert_eq!(decode(&[ctrl(0x10, 3).encode(), data, inline(4)]), Err(WqeError::InlineAnswer));
    assert_eq!(decode(&[ctrl(0x12, 3).encode(), data, data]), Err(WqeError::AtomicAnswer));
    assert_eq!(decode(&[ctrl(0x12, 5).encode(), data, data, data, data]), Err(WqeError::AtomicAnswer));
    assert_eq!(decode(&[ctrl(0x12, 4).encode(), data, data, data]), Ok(()));
    let long = DataSeg { len: 0x7fff_ffff, lkey: Lkey(1), addr: GuestAddr(0) }.encode();
    assert_eq!(decode(&[ctrl(0x0a, 3).encode(), long, long]), Err(WqeError::Length(0xffff_fffe)));
}
