//! Keeps keys out of what is printed: an error near one shows its line.

/// Keys whose values are secrets, here or where an operator comes from.
const SECRET: [&str; 8] =
    ["auth_pass", "authentication_text", "key", "key-string", "key_string", "md5", "pass", "password"];

/// The file with the text after every `key =` starred out, octet for octet, so that places stay what they are.
pub(super) fn without_keys(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = next_key(rest) {
        out.push_str(before);
        let secret = after.get(..secret_length(after)).unwrap_or(after);
        out.extend(secret.bytes().map(|octet| match octet {
            b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'\r' => char::from(octet),
            _ => '*',
        }));
        rest = after.get(secret.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What comes up to the next `key =`, that included, and what comes after.
fn next_key(text: &str) -> Option<(&str, &str)> {
    let of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices('=').find_map(|(at, _)| {
        let (before, after) = text.split_at_checked(at + 1)?;
        let key = before.strip_suffix('=')?.trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'']);
        let name = key.trim_end_matches(of_key).len();
        SECRET.contains(&key.get(name..)?).then_some((before, after))
    })
}

/// How much of what follows `key =` is the key. Where quotes do not end as they should, it is the rest of the line.
fn secret_length(text: &str) -> usize {
    let line = text.find('\n').unwrap_or(text.len());
    let quoted = text.trim_start_matches([' ', '\t']);
    let skipped = text.len() - quoted.len();
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| quoted.starts_with(quote));
    let Some(end) = quote.and_then(|quote| Some(quote.len() + end_of(quoted.get(quote.len()..)?, quote)?))
    else {
        return line;
    };
    let follows = quoted.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', '\r']);
    let ends = follows.is_empty() || follows.starts_with([',', '}', ']', '#', '\n']);
    if ends { skipped + end } else { line.max(skipped + end) }
}

/// Where the closing `quote` ends; on the same line, unless the quotes are for more lines.
fn end_of(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == '\n' && quote.len() == 1 {
            return None;
        }
        if !escaped && text.get(at..)?.starts_with(quote) {
            return Some(at + quote.len());
        }
        escaped = c == '\\' && !escaped && quote.starts_with('"');
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_starred_out_octet_for_octet() {
        let source = "vrid = 1\n  key = \"geh€im\" # x\nkeyboard = \"k\"\n";
        let shown = without_keys(source);
        assert_eq!(shown.len(), source.len());
        assert_eq!(shown, "vrid = 1\n  key = \"********\" # x\nkeyboard = \"k\"\n");
    }

    #[test]
    fn keys_inside_other_tables_are_found() {
        let shown = without_keys(
            "keys = [{ id = 1, key='a\"b', send_from = 3 }, {\"key\" = \"c\\\"d\"}]\nmy_key = \"x\"",
        );
        assert_eq!(
            shown,
            "keys = [{ id = 1, key='*\"*', send_from = 3 }, {\"key\" = \"**\"*\"}]\nmy_key = \"x\""
        );
    }

    #[test]
    fn words_of_others_are_secrets_too() {
        let shown = without_keys("md5 = \"a\"\nkey_string = \"b\"\nkey-string = \"c\"\nmonkey = \"d\"");
        assert_eq!(shown, "md5 = \"*\"\nkey_string = \"*\"\nkey-string = \"*\"\nmonkey = \"d\"");
    }

    #[test]
    fn broken_quotes_hide_the_line() {
        assert_eq!(without_keys("key = \"open, secret\nx = 1"), "key = \"***** ******\nx = 1");
        assert_eq!(without_keys("key = 'it''s secret'\nx = 1"), "key = '**''* ******'\nx = 1");
        assert_eq!(without_keys("key = secret\nx = 1"), "key = ******\nx = 1");
        assert_eq!(without_keys("key = \"\"\"a\nsecret\"\"\"\nx = 1"), "key = \"\"\"*\n******\"\"\"\nx = 1");
    }
}
