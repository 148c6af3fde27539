-- Of which samples of auditors a packet is: its content stays until their warrants end.
CREATE INDEX sample_items_of_packet ON sample_items (envelope_id);
