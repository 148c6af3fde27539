//! The machine and the data directory: who may look into it, whether the disk has room, what the system allows.

use super::{Finding, Severity, finding};
use crate::config::Config;
use crate::store::machine;

/// What is wrong with them.
pub(super) fn examine(config: &Config, found: &mut Vec<Finding>) {
    data_directory(config, found);
    disk(config, found);
    limits(config, found);
}

fn data_directory(config: &Config, found: &mut Vec<Finding>) {
    let directory = &config.data.directory;
    let shown = directory.display();
    match machine::owner(directory) {
        Err(error) => found.push(finding(
            Severity::Error,
            "data.missing",
            (
                format!("không đọc được thư mục dữ liệu {shown}: {error}"),
                format!("the data directory {shown} cannot be read: {error}"),
            ),
            (
                "kiểm tra data.directory, hoặc khởi động hệ thống lần đầu để tạo nó",
                "check data.directory, or start the hub, which makes it",
            ),
        )),
        Ok((owner, mode, is_ours)) => {
            if !is_ours {
                found.push(finding(
                    Severity::Warning,
                    "data.owner",
                    (
                        format!(
                            "thư mục dữ liệu {shown} thuộc người dùng số {owner}, không phải người đang chạy lệnh này"
                        ),
                        format!("the data directory {shown} belongs to user {owner}, not to who runs this"),
                    ),
                    (
                        "chạy lệnh bằng đúng người dùng của dịch vụ (sudo -u docaxis)",
                        "run commands as the user of the service (sudo -u docaxis)",
                    ),
                ));
            }
            if mode & 0o077 != 0 {
                found.push(finding(
                    Severity::Warning,
                    "data.mode",
                    (
                        format!("người khác trên máy đọc được {shown} (mode {mode:o})"),
                        format!("others on this machine can read {shown} (mode {mode:o})"),
                    ),
                    ("chmod 700 thư mục đó", "chmod 700 that directory"),
                ));
            }
        }
    }
}

fn disk(config: &Config, found: &mut Vec<Finding>) {
    let least = config.data.free_bytes_min;
    let Ok(room) = machine::room(&config.data.directory) else { return };
    let severity = match room.free {
        free if free < least => Severity::Error,
        free if free < least.saturating_mul(2) => Severity::Warning,
        _ => return,
    };
    found.push(finding(
        severity,
        "disk.full",
        (
            format!(
                "đĩa chứa dữ liệu sắp đầy: còn {} trên {} byte, data.free_bytes_min là {least}",
                room.free, room.all
            ),
            format!(
                "the disk of the data is nearly full: {} of {} bytes left, data.free_bytes_min is {least}",
                room.free, room.all
            ),
        ),
        (
            "giải phóng hoặc thêm đĩa; khi hết chỗ, bên gửi nhận 503 và phải gửi lại",
            "make room or add a disk; when it is full, senders get 503 and must come again",
        ),
    ));
}

fn limits(config: &Config, found: &mut Vec<Finding>) {
    let wanted = u64::try_from(config.server.connections_max).unwrap_or(u64::MAX);
    if let Some(most) = machine::files_max().filter(|most| *most < wanted) {
        found.push(finding(
            Severity::Warning,
            "files.limit",
            (
                format!("chỉ được mở {most} tệp, ít hơn server.connections_max {wanted}"),
                format!("only {most} files may be open, fewer than server.connections_max {wanted}"),
            ),
            ("tăng LimitNOFILE của dịch vụ (ulimit -n)", "raise LimitNOFILE of the service (ulimit -n)"),
        ));
    }
    if let Ok(zone) = std::fs::read_link("/etc/localtime")
        && !["Ho_Chi_Minh", "Saigon", "Bangkok"].iter().any(|city| zone.ends_with(city))
    {
        let zone = zone.display();
        found.push(finding(
            Severity::Note,
            "time_zone",
            (
                format!("múi giờ của máy là {zone}; hệ thống luôn ghi nhật ký và chạy việc định kỳ theo +07:00"),
                format!("the time zone of the machine is {zone}; the hub logs and schedules at +07:00 all the same"),
            ),
            (
                "không bắt buộc: timedatectl set-timezone Asia/Ho_Chi_Minh",
                "if you like: timedatectl set-timezone Asia/Ho_Chi_Minh",
            ),
        ));
    }
}
