//! liuyan-intake
