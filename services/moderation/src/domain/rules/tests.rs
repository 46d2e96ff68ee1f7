use super::*;

#[test]
fn the_set_of_this_release_has_no_fault() {
    assert_eq!(faults(&Files::current()), Vec::new());
    let set = RuleSet::current().unwrap();
    assert_eq!(set.version, 4);
    assert!(set.lexicon.len() > 150 && set.everyday.len() > 300);
}

#[test]
fn a_term_is_also_what_sounds_like_it_if_it_says_so() {
    let term = |like: &str| Term {
        term: "ab".into(),
        category: Detector::Insult,
        unless_after: String::new(),
        unless_before: String::new(),
        like: like.into(),
        whole: String::new(),
        source: String::new(),
    };
    let sounds = ["axy".to_owned(), "bz".to_owned()];
    assert_eq!(term("").forms(&sounds), ["ab"]);
    assert_eq!(term("yes").forms(&sounds), ["ab", "az", "xb", "xz", "yb", "yz"]);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line() {
    let mut files = Files::current();
    files.rules = files.rules.replacen("score = 0.95", "score = 1.95", 1);
    files.lexicon.push_str("Bad Term,insult,,,,,ours\nnew,mobile,,,perhaps,,ours\nhalf a row\n");
    files.everyday.push_str("x\n");
    let faults = faults(&files);
    let rows = files.lexicon.lines().count();
    let told: Vec<_> =
        faults.iter().map(|fault| (fault.file.as_str(), fault.line, fault.reason)).collect();
    let score = 1 + files.rules.lines().position(|line| line == "score = 1.95").unwrap();
    assert!(told.contains(&("rules", score - 4, "SCORE_OUTSIDE")), "{told:?}");
    assert!(told.contains(&("lexicon", rows - 2, "TERM_NOT_FOLDED")), "{told:?}");
    assert!(told.contains(&("lexicon", rows - 1, "CATEGORY_UNKNOWN")), "{told:?}");
    assert!(told.contains(&("lexicon", rows - 1, "FLAG_MALFORMED")), "{told:?}");
    assert!(told.contains(&("lexicon", rows, "LEXICON_MALFORMED")), "{told:?}");
    let last = files.everyday.lines().count();
    assert!(told.contains(&("everyday", last, "WORD_LENGTH")), "{told:?}");
}

#[test]
fn a_broken_file_of_rules_names_the_line_where_it_breaks() {
    let mut files = Files::current();
    let at = 1 + files.rules.lines().position(|line| line.starts_with("connectors")).unwrap();
    files.rules = files.rules.replace("connectors = ", "connectors ");
    let faults = faults(&files);
    assert_eq!(
        (faults[0].file, faults[0].line, faults[0].reason),
        (File::Rules, at, "RULES_MALFORMED")
    );
}
