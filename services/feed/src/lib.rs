//! liuyan-feed
