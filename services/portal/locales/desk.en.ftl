# The texts of the desks.
