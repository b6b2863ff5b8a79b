//! Stacks of addresses as stacks of names, added up over ranks: "folded" lines, `main;solve;dot 17`.

use std::collections::{BTreeMap, HashMap};

use unirank_hca::profile::{DEEPEST, LIBRARY_OS, Profile};
use unirank_images::symbolize::Symbolizer;

use crate::text::one_line;

/// Longest name shown.
const LONGEST: usize = 200;
/// Stands for what a stack that was cut lacks.
const CUT: &str = "[deeper calls]";

/// Stacks of names and their samples.
#[derive(Debug)]
pub struct Folded<'a> {
    symbols: &'a Symbolizer,
    /// Names at an address, the outermost first, by whether it is one that a call returns to.
    names: HashMap<(u64, bool), Vec<String>>,
    stacks: BTreeMap<String, u64>,
    samples: u64,
}

impl<'a> Folded<'a> {
    /// Nothing yet.
    pub fn new(symbols: &'a Symbolizer) -> Self {
        Self { symbols, names: HashMap::new(), stacks: BTreeMap::new(), samples: 0 }
    }

    /// Adds what one rank has counted, below `outermost` if given.
    pub fn add(&mut self, profile: &Profile, outermost: Option<&str>) {
        for (stack, count) in &profile.stacks {
            let mut names: Vec<&str> = outermost.into_iter().collect();
            if stack.len() >= DEEPEST {
                names.push(CUT);
            }
            for (n, &address) in stack.iter().enumerate() {
                let symbols = self.symbols;
                self.names.entry((address, n > 0)).or_insert_with(|| functions(symbols, address, n > 0));
            }
            for (n, &address) in stack.iter().enumerate().rev() {
                names.extend(self.names[&(address, n > 0)].iter().map(String::as_str));
            }
            let total = self.stacks.entry(names.join(";")).or_default();
            *total = total.saturating_add(*count);
            self.samples = self.samples.saturating_add(*count);
        }
    }

    /// All samples.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// A line for each stack, in order.
    pub fn lines(&self) -> Vec<String> {
        let named = self.stacks.iter().filter(|(stack, _)| !stack.is_empty());
        named.map(|(stack, count)| format!("{stack} {count}")).collect()
    }
}

/// The functions at an address, inlined ones inside of what they were put into.
fn functions(symbols: &Symbolizer, address: u64, is_return: bool) -> Vec<String> {
    if address == LIBRARY_OS {
        return vec!["[library OS]".to_owned()];
    }
    let frames = symbols.frames(address, is_return);
    let name = |frame: &unirank_images::symbolize::Frame| match &frame.function {
        // Semicolons separate frames.
        Some(name) => one_line(&name.replace(';', ":"), LONGEST),
        None => format!("[{address:#x}]"),
    };
    frames.iter().rev().map(name).collect()
}
