//! The mlx5 formats of this crate against `infiniband/mlx5dv.h` of rdma-core, read by bindgen when the test runs.
//!
//! Needs the Debian packages libibverbs-dev (the header) and libclang-dev (bindgen's parser).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use unirank_hca::command::QpState;
use unirank_hca::cqe::{self, CqeOpcode, Syndrome};
use unirank_hca::wqe::{self, CtrlSeg, DataSeg, InlineHeader, Opcode, RaddrSeg, segment};
use unirank_hca::{Access, GuestAddr, Lkey, QpNum, Rkey, dbrec, region, srq_wqe};

const HEADER: &str = "/usr/include/infiniband/mlx5dv.h";

/// What bindgen found in the header.
struct Header {
    constants: BTreeMap<String, u64>,
    sizes: BTreeMap<String, usize>,
    offsets: BTreeMap<String, usize>,
}

fn header() -> &'static Header {
    static HEADER_READ: OnceLock<Header> = OnceLock::new();
    HEADER_READ.get_or_init(|| {
        assert!(
            std::path::Path::new(HEADER).exists(),
            "{HEADER} is missing: apt-get install libibverbs-dev libclang-dev"
        );
        let text = bindgen::Builder::default()
            .header(HEADER)
            .allowlist_type("mlx5_wqe_.*|mlx5_cqe64|mlx5_err_cqe|ibv_qp_state|ibv_access_flags")
            .allowlist_var("MLX5_.*|IBV_ACCESS.*|IBV_QPS.*")
            .prepend_enum_name(false)
            .layout_tests(true)
            .formatter(bindgen::Formatter::None)
            .generate()
            .expect("mlx5dv.h parses")
            .to_string();
        parse(&text)
    })
}

/// Reads the constants and the layout assertions out of bindgen's Rust text, whose tokens may be spaced in any way.
fn parse(text: &str) -> Header {
    let squeezed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let mut found = Header { constants: BTreeMap::new(), sizes: BTreeMap::new(), offsets: BTreeMap::new() };
    for item in squeezed.split("pubconst").skip(1) {
        let Some((name, rest)) = item.split_once(':') else { continue };
        let value = rest.split_once('=').and_then(|(_, value)| value.split_once(';')).map(|(value, _)| value);
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            found.constants.insert(name.to_string(), value);
        }
    }
    for item in squeezed.split("[\"").skip(1) {
        let Some((what, rest)) = item.split_once("\"]") else { continue };
        let number =
            rest.split_once('-').and_then(|(_, tail)| tail.split_once("usize")).map(|(number, _)| number);
        let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
        if let Some(name) = what.strip_prefix("Sizeof") {
            found.sizes.insert(name.to_string(), number);
        } else if let Some(name) = what.strip_prefix("Offsetoffield:") {
            found.offsets.insert(name.to_string(), number);
        }
    }
    found
}

fn constant(name: &str) -> u64 {
    *header().constants.get(name).unwrap_or_else(|| panic!("{name} is not in {HEADER}"))
}

fn size(name: &str) -> usize {
    *header().sizes.get(name).unwrap_or_else(|| panic!("{name} is not in {HEADER}"))
}

fn offset(name: &str) -> usize {
    *header().offsets.get(name).unwrap_or_else(|| panic!("{name} is not in {HEADER}"))
}

#[test]
fn segments_have_the_header_s_sizes() {
    assert_eq!(size("mlx5_wqe_ctrl_seg"), wqe::SEG_BYTES);
    assert_eq!(size("mlx5_wqe_raddr_seg"), wqe::SEG_BYTES);
    assert_eq!(size("mlx5_wqe_atomic_seg"), wqe::SEG_BYTES);
    assert_eq!(size("mlx5_wqe_data_seg"), wqe::SEG_BYTES);
    assert_eq!(size("mlx5_wqe_inl_data_seg"), InlineHeader::BYTES);
    assert_eq!(size("mlx5_wqe_srq_next_seg"), srq_wqe::NEXT_SEG_BYTES);
    assert_eq!(size("mlx5_cqe64"), cqe::BYTES);
    assert_eq!(size("mlx5_err_cqe"), cqe::BYTES);
    assert_eq!(constant("MLX5_SEND_WQE_BB"), wqe::BB_BYTES as u64);
}

/// Each field set alone changes exactly the bytes that the header gives it.
#[test]
fn segment_fields_stand_at_the_header_s_offsets() {
    let zero = CtrlSeg { opcode: 0, opmod: 0, index: 0, qpn: QpNum(0), ds: 0, flags: 0, imm: 0 };
    let word = offset("mlx5_wqe_ctrl_seg::opmod_idx_opcode");
    field(CtrlSeg { opmod: 0xff, index: 0xffff, opcode: 0xff, ..zero }.encode(), word, 4);
    let word = offset("mlx5_wqe_ctrl_seg::qpn_ds");
    assert_eq!(
        CtrlSeg { qpn: QpNum(0xabcdef), ds: 0x3f, ..zero }.encode()[word..word + 4],
        [0xab, 0xcd, 0xef, 0x3f]
    );
    field(CtrlSeg { flags: 0xff, ..zero }.encode(), offset("mlx5_wqe_ctrl_seg::fm_ce_se"), 1);
    field(CtrlSeg { imm: u32::MAX, ..zero }.encode(), offset("mlx5_wqe_ctrl_seg::imm"), 4);

    let raddr = |raddr, rkey| RaddrSeg { raddr: GuestAddr(raddr), rkey: Rkey(rkey) }.encode();
    field(raddr(u64::MAX, 0), offset("mlx5_wqe_raddr_seg::raddr"), 8);
    field(raddr(0, u32::MAX), offset("mlx5_wqe_raddr_seg::rkey"), 4);

    let atomic = |swap_add, compare| wqe::AtomicSeg { swap_add, compare }.encode();
    field(atomic(u64::MAX, 0), offset("mlx5_wqe_atomic_seg::swap_add"), 8);
    field(atomic(0, u64::MAX), offset("mlx5_wqe_atomic_seg::compare"), 8);

    let data = |len, lkey, addr| DataSeg { len, lkey: Lkey(lkey), addr: GuestAddr(addr) }.encode();
    field(data(u32::MAX, 0, 0), offset("mlx5_wqe_data_seg::byte_count"), 4);
    field(data(0, u32::MAX, 0), offset("mlx5_wqe_data_seg::lkey"), 4);
    field(data(0, 0, u64::MAX), offset("mlx5_wqe_data_seg::addr"), 8);

    field(srq_wqe::encode_next(0xffff), offset("mlx5_wqe_srq_next_seg::next_wqe_index"), 2);
}

fn field(bytes: [u8; 16], offset: usize, len: usize) {
    let expected: [u8; 16] =
        std::array::from_fn(|at| if (offset..offset + len).contains(&at) { 0xff } else { 0 });
    assert_eq!(bytes, expected);
}

#[test]
fn completions_have_the_header_s_offsets() {
    assert_eq!(offset("mlx5_cqe64::srqn_uidx"), cqe::offset::SRQN_UIDX);
    assert_eq!(offset("mlx5_cqe64::imm_inval_pkey"), cqe::offset::IMM);
    assert_eq!(offset("mlx5_cqe64::byte_cnt"), cqe::offset::BYTE_CNT);
    assert_eq!(offset("mlx5_cqe64::timestamp"), cqe::offset::TIMESTAMP);
    assert_eq!(offset("mlx5_cqe64::sop_drop_qpn"), cqe::offset::SOP_QPN);
    assert_eq!(offset("mlx5_cqe64::wqe_counter"), cqe::offset::WQE_COUNTER);
    assert_eq!(offset("mlx5_cqe64::op_own"), cqe::offset::OP_OWN);
    assert_eq!(offset("mlx5_err_cqe::srqn"), cqe::offset::SRQN_UIDX);
    assert_eq!(offset("mlx5_err_cqe::vendor_err_synd"), cqe::offset::VENDOR_SYNDROME);
    assert_eq!(offset("mlx5_err_cqe::syndrome"), cqe::offset::SYNDROME);
    assert_eq!(offset("mlx5_err_cqe::s_wqe_opcode_qpn"), cqe::offset::SOP_QPN);
    assert_eq!(offset("mlx5_err_cqe::wqe_counter"), cqe::offset::WQE_COUNTER);
    assert_eq!(offset("mlx5_err_cqe::op_own"), cqe::offset::OP_OWN);
    assert_eq!(constant("MLX5_CQE_OWNER_MASK"), cqe::OWNER_MASK.into());
    assert_eq!(constant("MLX5_CQE_INVALID") << 4, cqe::INITIAL_OP_OWN.into());
}

#[test]
fn opcodes_have_the_header_s_values() {
    for (name, opcode) in [
        ("MLX5_OPCODE_NOP", Opcode::Nop),
        ("MLX5_OPCODE_RDMA_WRITE", Opcode::RdmaWrite),
        ("MLX5_OPCODE_RDMA_WRITE_IMM", Opcode::RdmaWriteImm),
        ("MLX5_OPCODE_SEND", Opcode::Send),
        ("MLX5_OPCODE_SEND_IMM", Opcode::SendImm),
        ("MLX5_OPCODE_RDMA_READ", Opcode::RdmaRead),
        ("MLX5_OPCODE_ATOMIC_CS", Opcode::AtomicCs),
        ("MLX5_OPCODE_ATOMIC_FA", Opcode::AtomicFa),
    ] {
        assert_eq!(constant(name), opcode as u64, "{name}");
        assert_eq!(Opcode::from_u8(opcode as u8), Some(opcode));
    }
    for (name, opcode) in [
        ("MLX5_CQE_REQ", CqeOpcode::Requester),
        ("MLX5_CQE_RESP_WR_IMM", CqeOpcode::ResponderWriteImm),
        ("MLX5_CQE_RESP_SEND", CqeOpcode::ResponderSend),
        ("MLX5_CQE_RESP_SEND_IMM", CqeOpcode::ResponderSendImm),
        ("MLX5_CQE_REQ_ERR", CqeOpcode::RequesterError),
        ("MLX5_CQE_RESP_ERR", CqeOpcode::ResponderError),
    ] {
        assert_eq!(constant(name), opcode as u64, "{name}");
        assert_eq!(CqeOpcode::from_u8(opcode as u8), Some(opcode));
    }
}

#[test]
fn syndromes_have_the_header_s_values() {
    for (name, syndrome) in [
        ("LOCAL_LENGTH_ERR", Syndrome::LocalLength),
        ("LOCAL_QP_OP_ERR", Syndrome::LocalQpOperation),
        ("LOCAL_PROT_ERR", Syndrome::LocalProtection),
        ("WR_FLUSH_ERR", Syndrome::Flushed),
        ("MW_BIND_ERR", Syndrome::MwBind),
        ("BAD_RESP_ERR", Syndrome::BadResponse),
        ("LOCAL_ACCESS_ERR", Syndrome::LocalAccess),
        ("REMOTE_INVAL_REQ_ERR", Syndrome::RemoteInvalidRequest),
        ("REMOTE_ACCESS_ERR", Syndrome::RemoteAccess),
        ("REMOTE_OP_ERR", Syndrome::RemoteOperation),
        ("TRANSPORT_RETRY_EXC_ERR", Syndrome::RetryExceeded),
        ("RNR_RETRY_EXC_ERR", Syndrome::RnrRetryExceeded),
        ("REMOTE_ABORTED_ERR", Syndrome::RemoteAborted),
    ] {
        let value = constant(&format!("MLX5_CQE_SYNDROME_{name}"));
        assert_eq!(value, syndrome as u64, "{name}");
        assert_eq!(Syndrome::from_u8(value as u8), syndrome);
    }
    let in_header = header().constants.keys().filter(|name| name.starts_with("MLX5_CQE_SYNDROME_")).count();
    assert_eq!(in_header, 13, "the header knows a syndrome that this crate does not");
}

#[test]
fn flags_and_doorbells_have_the_header_s_values() {
    assert_eq!(constant("MLX5_WQE_CTRL_CQ_UPDATE"), segment::CTRL_CQ_UPDATE.into());
    assert_eq!(constant("MLX5_WQE_CTRL_SOLICITED"), segment::CTRL_SOLICITED.into());
    assert_eq!(constant("MLX5_WQE_CTRL_FENCE"), segment::CTRL_FENCE.into());
    assert_eq!(constant("MLX5_WQE_CTRL_INITIATOR_SMALL_FENCE"), segment::CTRL_SMALL_FENCE.into());
    assert_eq!(constant("MLX5_INLINE_SEG"), segment::INLINE_SEG.into());
    assert_eq!(constant("MLX5_INVALID_LKEY"), Lkey::INVALID.0.into());
    assert_eq!(constant("MLX5_RCV_DBR"), dbrec::RECEIVE as u64);
    assert_eq!(constant("MLX5_SND_DBR"), dbrec::SEND as u64);
    assert_eq!(constant("MLX5_CQ_DOORBELL"), region::UAR_CQ_DOORBELL as u64);
    let arm = |solicited_only| dbrec::ArmWord { sequence: 0, solicited_only, consumer: 0 }.encode();
    assert_eq!(constant("MLX5_CQ_DB_REQ_NOT_SOL"), arm(true).into());
    assert_eq!(constant("MLX5_CQ_DB_REQ_NOT"), arm(false).into());
}

#[test]
fn verbs_enumerations_have_the_header_s_values() {
    for (name, access) in [
        ("IBV_ACCESS_LOCAL_WRITE", Access::LOCAL_WRITE),
        ("IBV_ACCESS_REMOTE_WRITE", Access::REMOTE_WRITE),
        ("IBV_ACCESS_REMOTE_READ", Access::REMOTE_READ),
        ("IBV_ACCESS_REMOTE_ATOMIC", Access::REMOTE_ATOMIC),
    ] {
        assert_eq!(constant(name), access.bits().into(), "{name}");
    }
    for (name, state) in [
        ("IBV_QPS_RESET", QpState::Reset),
        ("IBV_QPS_INIT", QpState::Init),
        ("IBV_QPS_RTR", QpState::Rtr),
        ("IBV_QPS_RTS", QpState::Rts),
        ("IBV_QPS_ERR", QpState::Error),
    ] {
        assert_eq!(constant(name), state as u64, "{name}");
    }
}
