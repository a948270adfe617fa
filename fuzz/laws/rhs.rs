//! What must hold for any bytes that are read as an RHS file.

use formats::rhs::{LossKind, parse};

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let document = parse(&text);
    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    for table in &document.tables {
        assert_eq!(table.cells.len(), table.rows.len() * table.columns.len());
        let _ = table.heading();
        for (row, cells) in table.iter() {
            assert!((1..=lines).contains(&row.line) && row.line > table.columns_line);
            assert!(cells.iter().all(|cell| cell.value().is_none_or(f64::is_finite)));
            let columns: Vec<u32> = cells.iter().map(|cell| row.column(cell)).collect();
            assert!(columns.is_sorted());
        }
    }
    for loss in document.losses.iter().chain(&document.cell_losses(|_, _| false)) {
        assert!((1..=lines).contains(&loss.line) && loss.column >= 1 && !loss.reason.is_empty());
    }
    assert_eq!(document.is_lost(), document.losses.iter().any(|loss| loss.kind == LossKind::File));
    let _ = document.versions();
    // Line ends of Windows change nothing, unless a carriage return already stood somewhere odd.
    if !text.contains('\r') {
        let windows = text.replace('\n', "\r\n");
        let other = parse(&windows);
        assert_eq!(other.losses, document.losses);
        assert_eq!(other.tables.len(), document.tables.len());
        for (a, b) in other.tables.iter().zip(&document.tables) {
            assert_eq!((&a.columns, &a.cells, a.title), (&b.columns, &b.cells, b.title));
        }
    }
}
