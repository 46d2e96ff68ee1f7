//! Who people and agencies are, and what they may do.
