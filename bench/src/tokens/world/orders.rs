//! A workbook with 10,000 orders, of which five are what the scenario asks for.

use serde_json::{Value, json};

use super::chance::Chance;

/// The workbook.
const PATH: &str = "/srv/reports/orders-2026.xlsx";
const SHEET: &str = "Orders";
/// Rows below the header.
const ROWS: usize = 10_000;
const COLUMNS: usize = 8;

const CUSTOMERS: [&str; 24] = [
    "Northwind Traders",
    "Blue Yonder Airlines",
    "Contoso Pharma",
    "Fabrikam Steel",
    "Tailspin Toys",
    "Adventure Works",
    "Wide World Importers",
    "Proseware",
    "Litware",
    "Lucerne Publishing",
    "Margie's Travel",
    "Graphic Design Institute",
    "Humongous Insurance",
    "Woodgrove Bank",
    "Coho Vineyard",
    "Alpine Ski House",
    "Trey Research",
    "The Phone Company",
    "Southridge Video",
    "City Power & Light",
    "Fourth Coffee",
    "Consolidated Messenger",
    "School of Fine Art",
    "Nod Publishers",
];
const REGIONS: [&str; 5] = ["EMEA", "APAC", "LATAM", "US-East", "US-West"];
const PRODUCTS: [&str; 10] = [
    "Rack server R740",
    "Switch 48p PoE",
    "UPS 3000VA",
    "Fibre patch kit",
    "Edge gateway G2",
    "NVMe array 24T",
    "Wireless AP AX",
    "KVM console",
    "GPU node H4",
    "Tape library L20",
];
const STATES: [&str; 6] = [
    "shipped",
    "shipped",
    "invoiced",
    "pending",
    "delivered",
    "cancelled",
];
/// Where the orders stand that are asked for.
const ASKED: [usize; 5] = [417, 2_960, 5_338, 7_811, 9_642];

/// One page of the sheet, as the tool `read_range` gives it.
pub(super) fn page(path: &str, sheet: &str, range: &str, most: u64) -> Result<Value, String> {
    if path != PATH || sheet != SHEET {
        return Err(format!("no sheet `{sheet}` in `{path}`"));
    }
    // Only ranges that this tool gave as `next_range`, or none.
    let first = match range {
        "" => 1,
        range => range
            .strip_prefix('A')
            .and_then(|range| range.split_once(":H"))
            .and_then(|(from, _)| from.parse::<usize>().ok())
            .ok_or_else(|| format!("`{range}` is no range of this sheet"))?,
    };
    let rows = (most as usize / COLUMNS).max(1);
    let last = (first + rows - 1).min(ROWS + 1);
    let all = sheet_rows();
    let values: Vec<Value> = all
        .into_iter()
        .skip(first - 1)
        .take(last + 1 - first)
        .collect();
    let mut page = json!({ "range": format!("A{first}:H{last}"), "values": values });
    if last < ROWS + 1 {
        page["next_range"] = json!(format!("A{}:H{}", last + 1, ROWS + 1));
    }
    Ok(page)
}

fn sheet_rows() -> Vec<Value> {
    let mut chance = Chance(2026);
    let mut rows = vec![json!([
        "Order", "Date", "Customer", "Region", "Product", "Quantity", "Amount", "Status"
    ])];
    for n in 0..ROWS {
        let (customer, region) = (chance.of(&CUSTOMERS), chance.of(&REGIONS));
        let (product, quantity) = (chance.of(&PRODUCTS), 1 + chance.below(40));
        let (mut status, mut cents) = (chance.of(&STATES), 4_000 + chance.below(900_000));
        if ASKED.contains(&n) {
            (status, cents) = ("pending", 950_000 + chance.below(40_000));
        } else if status != "pending" {
            cents += chance.below(90_000);
        }
        let (month, day) = (1 + n * 10 / ROWS, 1 + chance.below(28));
        rows.push(json!([
            format!("SO-{}", 48_210 + n),
            format!("2026-{month:02}-{day:02}"),
            customer,
            region,
            product,
            quantity,
            cents as f64 / 100.0,
            status,
        ]));
    }
    rows
}
