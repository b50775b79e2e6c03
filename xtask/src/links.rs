//! Links between the documents: the file and the heading that they name must exist.

use std::path::Path;

/// What is wrong with the links of one document; `texts` are all files by their path from the root.
pub(crate) fn complaints(name: &str, texts: &[(String, String)]) -> Vec<String> {
    let Some((_, text)) = texts.iter().find(|(other, _)| other == name) else { return vec![] };
    let is_there = |path: &str| Path::new(path).exists();
    links(text).filter_map(|link| problem(name, link, texts, &is_there)).collect()
}

fn problem(name: &str, link: &str, texts: &[(String, String)], is_there: &dyn Fn(&str) -> bool) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let path = if file.is_empty() { name.to_owned() } else { beside(name, file) };
    if !is_there(&path) {
        return Some(format!("{name}: the link {link} leads to no file"));
    }
    let heading = heading?;
    let target = texts.iter().find(|(other, _)| *other == path).map(|(_, text)| text)?;
    (!anchors(target).any(|anchor| anchor == heading)).then(|| format!("{name}: the link {link} leads to no heading"))
}

/// What stands in the parentheses of `[…](…)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// The path that `file` means in a document called `name`.
fn beside(name: &str, file: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The headings, as a browser addresses them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(str::lines).filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let texts = [
            text(
                "README.md",
                "[a](docs/a.md#what-it-does-why) [x](https://x/y.md) [gone](docs/b.md) [n](docs/a.md#no)",
            ),
            text(
                "docs/a.md",
                "# What it does: `why`?\n[up](../README.md) [here](#what-it-does-why)\n```\n[no](x.md)\n```\n",
            ),
        ];
        let is_there = |path: &str| texts.iter().any(|(name, _)| name == path);
        let of = |name: &str, text: &str| -> Vec<String> {
            links(text).filter_map(|link| problem(name, link, &texts, &is_there)).collect()
        };
        assert_eq!(
            of("README.md", &texts[0].1),
            ["README.md: the link docs/b.md leads to no file", "README.md: the link docs/a.md#no leads to no heading"]
        );
        assert_eq!(of("docs/a.md", &texts[1].1), [""; 0]);
    }
}
