"""Who somebody is and what they may act as: the answers to what a SASL exchange asks."""
