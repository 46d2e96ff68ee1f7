//! liuyan-kit
