//! liuyan-routing
