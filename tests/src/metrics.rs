//! What a program tells of itself over HTTP: its metrics, and how it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};

/// One series: its labels, without `le`, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
}

/// A family of metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub type_: String,
    /// Its series; of a histogram, those of `_count`.
    pub series: Vec<Series>,
}

impl Family {
    /// Names of its labels.
    pub fn labels(&self) -> BTreeSet<String> {
        self.series.iter().flat_map(|series| series.labels.keys().cloned()).collect()
    }
}

/// All families, by name.
#[derive(Clone, Debug, Default)]
pub struct Metrics(pub BTreeMap<String, Family>);

impl Metrics {
    /// Reads the metrics of a program.
    pub async fn of(port: u16) -> Result<Self> {
        let answer = get(port, "/metrics").await?;
        ensure!(answer.0 == 200, "{answer:?}");
        Self::parse(&answer.1)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for line in text.lines() {
            if let Some(told) = line.strip_prefix("# TYPE ") {
                let (name, type_) = told.split_once(' ').with_context(|| line.to_owned())?;
                families.entry(name.into()).or_default().type_ = type_.into();
            } else if !line.starts_with('#') && !line.is_empty() {
                let (series, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let counted = name.strip_suffix("_count").unwrap_or(name);
                if let Some(family) = families.get_mut(counted) {
                    let labels = labels.trim_end_matches('}').split("\",");
                    let labels = labels.filter_map(|label| label.split_once("=\""));
                    let label = |(k, v): (&str, &str)| (k.into(), v.trim_end_matches('"').into());
                    let labels = labels.map(label).collect();
                    family.series.push(Series { labels, value: value.parse()? });
                }
            }
        }
        Ok(Self(families))
    }

    /// Adds the metrics of another program.
    pub fn join(&mut self, other: Self) {
        for (name, family) in other.0 {
            let mine = self.0.entry(name).or_default();
            mine.type_ = family.type_;
            mine.series.extend(family.series);
        }
    }

    /// Sum of the series that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let series = self.0.get(name).into_iter().flat_map(|family| &family.series);
        let has = |series: &&Series| {
            labels.iter().all(|(k, v)| series.labels.get(*k).is_some_and(|label| label == v))
        };
        series.filter(has).map(|series| series.value).sum()
    }
}

/// Status code and text of an answer of a program.
pub async fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
