//! The pictures in README: the film of a recorded run, taken out of its page, light and dark.

use std::fs;
use std::path::Path;

/// What to type when they are stale.
const REMEDY: &str = "PGCHAOS_PAPERS=write cargo test --test pages";

/// Compares both with the page, or writes them anew.
pub fn compare_with(page: &str) {
    for scheme in ["light", "dark"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs/pictures")
            .join(format!("failover-{scheme}.svg"));
        let picture = film(page, scheme);
        if std::env::var("PGCHAOS_PAPERS").is_ok_and(|word| word == "write") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &picture).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == picture, "{} is stale: {REMEDY}", path.display());
    }
}

/// The film as a file of its own, with the page's colours of one scheme.
fn film(page: &str, scheme: &str) -> String {
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, body) = style.split_once("</style>").unwrap();
    let root = |line: &str| {
        let (_, after) = line.split_once(":root{").unwrap();
        after.split_once('}').unwrap().0.to_owned()
    };
    let mut lines = style.lines();
    let (light, dark) = (root(lines.next().unwrap()), root(lines.next().unwrap()));
    let variables = if scheme == "light" { light } else { dark };
    let rules: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("svg text{"))
        .take_while(|line| !line.starts_with(".scroll{"))
        .collect();
    let (_, film) = body.split_once("<svg viewBox=\"").unwrap();
    let (film, _) = film.split_once("</svg>").unwrap();
    let (view, film) = film.split_once('"').unwrap();
    let (attributes, film) = film.split_once('>').unwrap();
    let place: Vec<&str> = view.split(' ').collect();
    let [x, y, width, height] = place[..] else { panic!("{view}") };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{view}\" width=\"{width}\" height=\"{height}\"{attributes}>\n\
         <style>svg{{{variables}}}\n{}</style>\n\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" style=\"fill:var(--bg)\"/>\n{film}</svg>\n",
        rules.join("\n")
    )
}
