"""What goes over the wire of `/v1`: requests and answers, apart from what is stored. Money is dollars there."""
