//! What was counted -> a plot: tokens over connected tools, one panel for each task, both axes logarithmic.

use anyhow::Context as _;
use plotters::prelude::*;

use crate::kept::Counted;
use crate::measure::{MODES, Mode};
use crate::scenario::SCENARIOS;
use crate::table::grouped;

/// In pixels: the whole, and the height of the legend.
const SIZE: (u32, u32) = (1_100, 400);
const LEGEND: u32 = 40;

/// The whole file.
///
/// # Errors
/// A mode was not counted, or the drawing fails.
pub(crate) fn plot(counted: &Counted) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (legend, panels) = root.split_vertically(LEGEND);
        for (at, mode) in MODES.into_iter().enumerate() {
            let x = 30 + 260 * at as i32;
            legend.draw(&Circle::new((x, 20), 5, color(mode).filled()))?;
            legend.draw(&Text::new(title(mode), (x + 12, 13), ("sans-serif", 15)))?;
        }
        let panels = panels.split_evenly((1, SCENARIOS.len()));
        for (at, (panel, scenario)) in panels.iter().zip(&SCENARIOS).enumerate() {
            let mut chart = ChartBuilder::on(panel)
                .caption(scenario.name, ("sans-serif", 16))
                .margin(8)
                .x_label_area_size(36)
                .y_label_area_size(if at == 0 { 66 } else { 8 })
                .build_cartesian_2d((0.8..4_000.0).log_scale(), (100.0..3_000_000.0).log_scale())?;
            let mut mesh = chart.configure_mesh();
            mesh.light_line_style(TRANSPARENT)
                .x_labels(4)
                .x_label_formatter(&|x| grouped(*x as usize))
                .x_desc("tools connected");
            // The panels share an axis; its figures stand at the first.
            let figures = |y: &f64| match at {
                0 => grouped(*y as usize),
                _ => String::new(),
            };
            mesh.y_label_formatter(&figures);
            mesh.draw()?;
            for mode in MODES {
                let points: Option<Vec<(f64, f64)>> = counted
                    .rows
                    .iter()
                    .filter(|((name, _), _)| name == scenario.name)
                    .map(|((_, size), row)| Some((*size as f64, row.get(&mode)?.once() as f64)))
                    .collect();
                let points = points.context("a mode was not counted")?;
                let color = color(mode);
                chart.draw_series(LineSeries::new(
                    points.iter().copied(),
                    color.stroke_width(2),
                ))?;
                let dot = |at: &(f64, f64)| Circle::new(*at, 3, color.filled());
                chart.draw_series(points.iter().map(dot))?;
            }
        }
        root.present()?;
    }
    Ok(svg)
}

fn title(mode: Mode) -> &'static str {
    match mode {
        Mode::Direct => "all tools direct",
        Mode::Search => "search tool + direct calls",
        Mode::Js => "witgate, JavaScript",
        Mode::Rust => "witgate, Rust",
    }
}

fn color(mode: Mode) -> RGBColor {
    match mode {
        Mode::Direct => RGBColor(200, 60, 50),
        Mode::Search => RGBColor(225, 150, 40),
        Mode::Js => RGBColor(30, 110, 190),
        Mode::Rust => RGBColor(40, 150, 90),
    }
}
