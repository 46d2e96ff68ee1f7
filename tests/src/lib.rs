//! Checks of the whole. Each kind is a test binary of its own beside this file.
