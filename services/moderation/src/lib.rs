//! liuyan-moderation
