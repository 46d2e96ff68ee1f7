//! liuyan-local
