//! What an answer will hold, before any of it is sent: blocks of reasoning, text or calls, the
//! tokens of each, and how it ends. Made by rule from the request and the switches; no model.

use crate::ask::{Ask, Choice, Shape};
use crate::dialect::Wire;
use crate::example::example;
use crate::switches::{Switches, TOKENS_MAX};
use crate::{signature, tokens};
use serde_json::{Value, json};

/// What the simulator says, over and over until the reply is long enough.
const SAYS: &str = " This answer comes from the Tollgate simulator; no model wrote it.";
const THINKS: &str = " The Tollgate simulator does not think; these words stand in for thoughts.";
/// Tokens of a reply, and of its reasoning, when nothing else is asked for.
const REPLY_TOKENS: u64 = 24;
const THOUGHT_TOKENS: u64 = 8;
/// Characters of a tool's result that the reply repeats.
const RESULT_MAX: usize = 200;

/// How an answer ends; each dialect has its own word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    Calls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Thought,
    Text,
    Call { id: String, name: String },
}

#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub kind: Kind,
    /// The thought, the text, or the arguments of the call as JSON (cut short where tokens ran out).
    pub text: String,
    /// Given with the block where the answer has thoughts.
    pub signature: Option<String>,
}

impl Block {
    fn new(kind: Kind, text: String) -> Self {
        Self { kind, text, signature: None }
    }

    /// The arguments of a call as an object; none of them where they were cut short.
    pub fn arguments(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| json!({}))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The request id, for the ids of the answer.
    pub id: String,
    pub model: String,
    pub choices: u64,
    pub blocks: Vec<Block>,
    pub prompt: u64,
    /// Of the prompt: read from and written to the cache.
    pub cached: u64,
    pub cache_write: u64,
    /// Visible tokens of all choices: text and calls.
    pub visible: u64,
    pub reasoning: u64,
    pub finish: Finish,
    /// Whether usage is told.
    pub usage: bool,
    /// And in each chunk, so far.
    pub usage_each: bool,
    /// Thoughts are sealed for the caller to hand back.
    pub sealed: bool,
}

impl Reply {
    pub fn output(&self) -> u64 {
        self.visible + self.reasoning
    }

    /// Prompt tokens neither read from nor written to the cache.
    pub fn uncached(&self) -> u64 {
        self.prompt - self.cached - self.cache_write
    }

    pub fn text(&self) -> String {
        self.texts(|kind| *kind == Kind::Text)
    }

    pub fn thoughts(&self) -> String {
        self.texts(|kind| *kind == Kind::Thought)
    }

    fn texts(&self, which: impl Fn(&Kind) -> bool) -> String {
        self.blocks.iter().filter(|b| which(&b.kind)).map(|b| b.text.as_str()).collect()
    }

    /// Id, name and block of each call.
    pub fn calls(&self) -> impl Iterator<Item = (&str, &str, &Block)> {
        self.blocks.iter().filter_map(|block| match &block.kind {
            Kind::Call { id, name } => Some((id.as_str(), name.as_str(), block)),
            _ => None,
        })
    }
}

/// Plans the answer to `ask` by a provider that speaks `wire`.
pub(crate) fn plan(id: &str, wire: Wire, switches: &Switches, ask: &Ask) -> Reply {
    let mut room = ask.cap.unwrap_or(TOKENS_MAX);
    let thought = match switches.reasoning_tokens {
        0 if ask.thinks => THOUGHT_TOKENS,
        tokens => tokens,
    };
    let reasoning = thought.min(room);
    room -= reasoning;

    let mut blocks = Vec::new();
    if reasoning > 0 && ask.shows_thoughts {
        blocks.push(Block::new(Kind::Thought, said(THINKS, 0, reasoning)));
    }
    let calls = calls(id, switches, ask);
    let finish = if calls.is_empty() { Finish::Stop } else { Finish::Calls };
    let body = if calls.is_empty() { vec![text(switches, ask)] } else { calls };
    let (mut visible, mut cut) = (0, false);
    for mut block in body {
        let tokens = tokens::count(&block.text);
        if tokens > room - visible {
            block.text = tokens::split(&block.text).take(usize_of(room - visible)).collect();
            cut = true;
        }
        visible += tokens.min(room - visible);
        blocks.push(block);
        if cut {
            break;
        }
    }
    if reasoning > 0 && ask.shows_thoughts {
        sign(wire, &mut blocks);
    }
    let cached = switches.cached_tokens.min(ask.prompt);
    Reply {
        id: id.to_owned(),
        model: ask.model.clone(),
        choices: ask.choices,
        blocks,
        prompt: ask.prompt,
        cached,
        cache_write: switches.cache_write_tokens.min(ask.prompt - cached),
        visible: visible * ask.choices,
        reasoning,
        finish: if cut { Finish::Length } else { finish },
        usage: !switches.no_usage && (!ask.stream || ask.usage_in_stream),
        usage_each: switches.usage_each,
        sealed: ask.seals_thoughts,
    }
}

/// The calls of an answer: as many as the switch says, or one where the caller forces it; none
/// once the prompt ends with what tools answered.
fn calls(id: &str, switches: &Switches, ask: &Ask) -> Vec<Block> {
    let forced = matches!(ask.choice, Choice::Any | Choice::Named(_));
    let many = if forced { switches.calls.max(1) } else { switches.calls };
    if ask.choice == Choice::Never || (!forced && !ask.fresh_results().is_empty()) {
        return Vec::new();
    }
    let tools: Vec<_> = match &ask.choice {
        Choice::Named(name) => ask.tools.iter().filter(|tool| tool.name == *name).collect(),
        _ => ask.tools.iter().collect(),
    };
    let call = |nth: usize| {
        let tool = tools.get(nth % tools.len().max(1))?;
        let kind = Kind::Call { id: format!("call_sim_{id}_{nth}"), name: tool.name.clone() };
        let nth_of_tool = nth / tools.len().max(1);
        Some(Block::new(kind, example(&tool.schema, nth_of_tool).to_string()))
    };
    (0..usize_of(many)).filter_map(call).collect()
}

fn text(switches: &Switches, ask: &Ask) -> Block {
    let results = ask.fresh_results();
    let text = match &ask.shape {
        Shape::Fitting(schema) => example(schema, 0).to_string(),
        Shape::Object => json!({"answer": SAYS.trim()}).to_string(),
        Shape::Text if !results.is_empty() => {
            let results = results.join("; ");
            let shown: String = results.chars().take(RESULT_MAX).collect();
            format!("The Tollgate simulator was told by the tools: {shown}")
        }
        Shape::Text => {
            let asked = switches.tokens.or(switches.chunks).unwrap_or(REPLY_TOKENS);
            said(SAYS, 0, asked)
        }
    };
    Block::new(Kind::Text, text)
}

/// Signs the thoughts, or, as Gemini does, the first call or the text that follows them.
fn sign(wire: Wire, blocks: &mut [Block]) {
    if wire == Wire::Gemini {
        let at = blocks.iter().position(|block| matches!(block.kind, Kind::Call { .. }));
        let signed = at.unwrap_or(blocks.len().saturating_sub(1));
        if let Some(block) = blocks.get_mut(signed) {
            block.signature = signature::of(wire, &block.text);
        }
        return;
    }
    for block in blocks.iter_mut().filter(|block| block.kind == Kind::Thought) {
        block.signature = signature::of(wire, &block.text);
    }
}

/// The tokens of `says`, repeated, from the `from`th to before the `to`th.
fn said(says: &str, from: u64, to: u64) -> String {
    let all = tokens::split(says).collect::<Vec<_>>();
    let skip = usize_of(from) % all.len().max(1);
    let out: String =
        all.iter().copied().cycle().skip(skip).take(usize_of(to.saturating_sub(from))).collect();
    // The very first token opens the reply, without the space that joins the later ones.
    if from == 0 { out.trim_start().to_owned() } else { out }
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A piece of a block that is sent on its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub block: usize,
    pub text: String,
    pub tokens: u64,
    pub first: bool,
    pub last: bool,
}

/// A reply cut into pieces: `chunks` of each block, or one for each token.
pub(crate) fn pieces(reply: &Reply, chunks: Option<u64>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (block, content) in reply.blocks.iter().enumerate() {
        let all: Vec<_> = tokens::split(&content.text).collect();
        let many = usize_of(chunks.unwrap_or(u64::MAX)).min(all.len());
        for nth in 0..many {
            let (from, to) = (all.len() * nth / many, all.len() * (nth + 1) / many);
            let text = all.get(from..to).unwrap_or_default().concat();
            let tokens = u64::try_from(to - from).unwrap_or(0);
            pieces.push(Piece { block, text, tokens, first: nth == 0, last: nth + 1 == many });
        }
        if many == 0 && content.kind != Kind::Text {
            let text = String::new();
            pieces.push(Piece { block, text, tokens: 0, first: true, last: true });
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Item;

    fn ask() -> Ask {
        let mut ask = Ask::new("m").unwrap();
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        ask.tools = vec![crate::ask::Tool { name: "get_weather".to_owned(), schema }];
        ask.shows_thoughts = true;
        ask
    }

    fn plan(directive: &str, ask: &Ask) -> Reply {
        let mut switches = Switches::default();
        switches.apply_text(directive).unwrap();
        super::plan("1", Wire::Messages, &switches, ask)
    }

    #[test]
    fn the_reply_counts_as_many_tokens_as_it_says() {
        for n in [0, 1, 2, 16, 24, 100] {
            assert_eq!(tokens::count(&said(SAYS, 0, n)), n);
        }
    }

    #[test]
    fn the_pieces_of_a_reply_make_the_whole() {
        let reply = plan("tokens=50 reasoning_tokens=9", &ask());
        for chunks in [None, Some(1), Some(7)] {
            let pieces = pieces(&reply, chunks);
            let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            assert_eq!(whole, reply.thoughts() + &reply.text());
            assert_eq!(pieces.iter().map(|piece| piece.tokens).sum::<u64>(), 59);
            assert_eq!(pieces.iter().filter(|piece| piece.last).count(), 2);
        }
    }

    #[test]
    fn tools_are_called_when_asked_for_or_forced_and_not_again_after_their_results() {
        let mut ask = ask();
        assert_eq!(plan("", &ask).calls().count(), 0);
        let two = plan("calls=2", &ask);
        let arguments: Vec<_> = two.calls().map(|(.., block)| block.arguments()).collect();
        assert_eq!(arguments, [json!({"city": "simulated"}), json!({"city": "simulated 2"})]);
        assert_eq!(two.finish, Finish::Calls);
        ask.items = vec![Item::Result("call".to_owned(), "21 °C".to_owned())];
        let told = plan("calls=2", &ask);
        assert!(told.calls().count() == 0 && told.text().contains("21 °C"), "{told:?}");
        ask.items.clear();
        ask.choice = Choice::Any;
        assert_eq!(plan("", &ask).calls().count(), 1);
        ask.choice = Choice::Never;
        assert_eq!(plan("calls=1", &ask).calls().count(), 0);
    }

    #[test]
    fn too_few_tokens_cut_thoughts_text_and_arguments() {
        let mut ask = ask();
        ask.cap = Some(5);
        let cut = plan("reasoning_tokens=3", &ask);
        assert_eq!((cut.reasoning, cut.visible, cut.finish), (3, 2, Finish::Length));
        let cut = plan("calls=1", &ask);
        assert_eq!((cut.visible, cut.finish), (5, Finish::Length));
        assert_eq!(cut.calls().next().unwrap().2.arguments(), json!({}));
    }
}
