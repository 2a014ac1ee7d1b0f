//! Random answers, cut anywhere and read in random pieces, against rules on letters.

use proptest::prelude::*;

use super::{Answers, Asked, Proof};

/// A message, by its letter: `1` parsed, `2` bound, `D` a row, `c` one row inserted, `z` none, `s`
/// selected, `u` updated, `W` a cancelled wait, `p` a parameter, `x` one that belongs to no answer,
/// `I` `T` `E` `?` the end with this status, `F` a fatal error, those of [`ERRORS`] an error.
type Letters = String;

const SQLSTATES: [&str; 8] =
    ["23505", "25006", "40001", "XX000", "58030", "08006", "40003", "57P01"];
/// How many of them prove a rejection.
const PROVING: usize = 3;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Rejected,
    InDoubt,
}

/// A request, and whether it carries its statement.
#[derive(Debug, Clone, Copy)]
struct AskedFor {
    asked: Asked,
    with_statement: bool,
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn error(severity: &str, sqlstate: &str) -> Vec<u8> {
    message(b'E', format!("V{severity}\0C{sqlstate}\0Mno\0\0").as_bytes())
}

fn bytes_of(letter: char) -> Vec<u8> {
    match letter {
        '1' => message(b'1', b""),
        '2' => message(b'2', b""),
        'D' => message(b'D', &[&[0, 1, 0, 0, 0, 8][..], &7_i64.to_be_bytes()].concat()),
        'c' => message(b'C', b"INSERT 0 1\0"),
        'z' => message(b'C', b"INSERT 0 0\0"),
        's' => message(b'C', b"SELECT 1\0"),
        'u' => message(b'C', b"UPDATE 1\0"),
        'W' => message(b'N', b"VWARNING\0C01000\0Mw\0RSyncRepWaitForLSN\0\0"),
        'p' => message(b'S', b"a\0b\0"),
        'x' => message(b'n', b""),
        'F' => error("FATAL", "57P01"),
        'I' | 'T' | 'E' | '?' => message(b'Z', &[u8::try_from(letter).unwrap()]),
        other => error("ERROR", SQLSTATES[error_of(other).unwrap()]),
    }
}

/// One letter for each of [`SQLSTATES`].
const ERRORS: [char; 8] = ['A', 'B', 'G', 'H', 'J', 'K', 'L', 'M'];

fn error_of(letter: char) -> Option<usize> {
    ERRORS.iter().position(|error| *error == letter)
}

/// What the answers come to, as the load takes them.
fn taken(asked: &[AskedFor], bytes: &[u8], pieces: &[usize]) -> Vec<Fate> {
    let mut answers = Answers::default();
    for request in asked {
        match request.with_statement {
            true => answers.asked_with_statement(request.asked),
            false => answers.asked(request.asked),
        }
    }
    let mut fates = Vec::new();
    let mut rest = bytes;
    let mut pieces = pieces.iter().copied().cycle();
    // Whether the session goes on.
    let mut take = |proof: Proof| {
        let (fate, goes_on) = match proof {
            Proof::Done => (Fate::Done, true),
            Proof::NoRow => (Fate::InDoubt, true),
            Proof::Error(error) if error.evidence().proves_rejection() => (Fate::Rejected, true),
            Proof::Error(_) => (Fate::InDoubt, false),
        };
        fates.push(fate);
        goes_on
    };
    let mut up = true;
    while up && !rest.is_empty() {
        let (piece, later) = rest.split_at(pieces.next().unwrap().min(rest.len()));
        rest = later;
        answers.buffer().extend_from_slice(piece);
        loop {
            match answers.take() {
                Ok(Some(answer)) => up &= take(answer.proof),
                Ok(None) => break,
                Err(_) => up = false,
            }
            if !up {
                break;
            }
        }
        up &= answers.last_words().is_none();
    }
    // The session has ended, unless it was left.
    if let Some(answer) = answers.last() {
        take(answer.proof);
    }
    fates.resize(asked.len(), Fate::InDoubt);
    fates
}

/// The fate by what stands before the end of an answer; `None` when that is no answer.
fn fate(request: AskedFor, letters: &str, whole: bool) -> Option<Fate> {
    let AskedFor { asked, with_statement } = request;
    let letters = letters.replace(['W', 'p'], "");
    let (before, error) = match letters.find(|letter| error_of(letter).is_some()) {
        Some(at) => (&letters[..at], Some(&letters[at..])),
        None => (letters.as_str(), None),
    };
    let before = before.replace('2', "");
    let statement = before.strip_prefix('1').filter(|_| with_statement);
    let parsed = statement.is_some();
    let before = statement.unwrap_or(&before).to_owned();
    if let Some(error) = error {
        let rows = before.trim_start_matches('D');
        let ends: &[&str] = match asked {
            Asked::Write => &["", "c", "z"],
            Asked::Read => &["", "s"],
            Asked::Prepare => &["", "1"],
        };
        let proves = error_of(error.chars().next()?)? < PROVING;
        let in_its_place =
            error.len() == 1 && ends.contains(&rows) && before.len() - rows.len() <= 3;
        let fate = if proves { Fate::Rejected } else { Fate::InDoubt };
        return in_its_place.then_some(fate);
    }
    if !whole {
        return Some(Fate::InDoubt);
    }
    if with_statement && !parsed {
        return None;
    }
    match (asked, before.as_str()) {
        (Asked::Write, "Dc")
        | (Asked::Read, "s" | "Ds" | "DDs" | "DDDs")
        | (Asked::Prepare, "1" | "D1" | "DD1" | "DDD1") => Some(Fate::Done),
        (Asked::Write, "c" | "z" | "Dz") => Some(Fate::InDoubt),
        _ => None,
    }
}

/// What the answers come to by the letters alone.
fn told(asked: &[AskedFor], letters: &str) -> Vec<Fate> {
    let heard = letters.split('F').next().unwrap();
    let mut fates = Vec::new();
    let mut rest = heard;
    for asked in asked {
        let end = rest.find(['I', 'T', 'E', '?']);
        let (answer, status) = match end {
            Some(end) => (&rest[..end], rest[end..].chars().next()),
            None => (rest, None),
        };
        let known = fate(*asked, answer, end.is_some());
        let goes_on = status == Some('I')
            && known.is_some()
            && !(known == Some(Fate::InDoubt) && answer.contains(ERRORS));
        let proven = known.filter(|_| matches!(status, Some('I') | None));
        fates.push(proven.unwrap_or(Fate::InDoubt));
        if !goes_on {
            break;
        }
        rest = &rest[end.unwrap_or(0) + 1..];
    }
    fates.resize(asked.len(), Fate::InDoubt);
    fates
}

fn request() -> impl Strategy<Value = (AskedFor, &'static str)> {
    let of = |(asked, letters)| (AskedFor { asked, with_statement: false }, letters);
    let with = |(asked, letters)| (AskedFor { asked, with_statement: true }, letters);
    prop_oneof![
        2 => Just((Asked::Write, "12DcI")).prop_map(with),
        1 => Just((Asked::Write, "AI")).prop_map(with),
        1 => Just((Asked::Write, "12DcBI")).prop_map(with),
        1 => Just((Asked::Read, "12DDsI")).prop_map(with),
        6 => Just((Asked::Write, "2DcI")).prop_map(of),
        1 => Just((Asked::Write, "2WDcI")).prop_map(of),
        1 => Just((Asked::Write, "2AI")).prop_map(of),
        1 => Just((Asked::Write, "2DcBI")).prop_map(of),
        2 => Just((Asked::Read, "2DDsI")).prop_map(of),
        1 => Just((Asked::Prepare, "1I")).prop_map(of),
    ]
}

fn letter() -> impl Strategy<Value = char> {
    let plain = ['1', '2', 'D', 'c', 'z', 's', 'u', 'W', 'p', 'x', 'F', 'I', 'T', 'E', '?'];
    let all: Vec<char> = plain.into_iter().chain(ERRORS).collect();
    proptest::sample::select(all)
}

/// What happens to a stream: at a place, a letter goes, comes, or is another.
fn change() -> impl Strategy<Value = (usize, Option<char>, bool)> {
    (0..40_usize, proptest::option::of(letter()), any::<bool>())
}

fn changed(letters: &str, changes: &[(usize, Option<char>, bool)]) -> Letters {
    let mut letters: Vec<char> = letters.chars().collect();
    for (place, letter, replaces) in changes {
        let place = place % (letters.len() + 1);
        if (*replaces || letter.is_none()) && place < letters.len() {
            letters.remove(place);
        }
        if let Some(letter) = letter {
            letters.insert(place.min(letters.len()), *letter);
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn only_what_is_proven_is_acknowledged_or_rejected(
        requests in proptest::collection::vec(request(), 1..6),
        changes in proptest::collection::vec(change(), 0..4),
        cut in 0.0..1.2_f64,
        pieces in proptest::collection::vec(1..40_usize, 1..8),
    ) {
        let asked: Vec<AskedFor> = requests.iter().map(|(asked, _)| *asked).collect();
        let whole: Letters = requests.iter().map(|(_, letters)| *letters).collect();
        let letters = changed(&whole, &changes);
        let bytes: Vec<Vec<u8>> = letters.chars().map(bytes_of).collect();
        let length: usize = bytes.iter().map(Vec::len).sum();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let cut = ((length as f64 * cut) as usize).min(length);
        // The letters that are there to their last byte.
        let mut left = cut;
        let heard: Letters = letters
            .chars()
            .zip(&bytes)
            .take_while(|(_, bytes)| {
                let there = bytes.len() <= left;
                left = left.saturating_sub(bytes.len());
                there
            })
            .map(|(letter, _)| letter)
            .collect();
        prop_assert_eq!(
            taken(&asked, &bytes.concat()[..cut], &pieces),
            told(&asked, &heard),
            "{} of {}", heard, letters
        );
    }
}
