"""The worklist: what people may do with the items of the queue, as rules that know no database."""
