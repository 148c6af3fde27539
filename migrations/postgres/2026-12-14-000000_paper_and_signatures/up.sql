-- What a document says of paper, and whether something attached bears a digital signature; of packets from before nobody knows.
ALTER TABLE envelopes ADD COLUMN paper_follows BOOLEAN;
ALTER TABLE envelopes ADD COLUMN bears_signature BOOLEAN;
