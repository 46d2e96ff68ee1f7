//! liuyan-tests
