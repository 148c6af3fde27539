-- Words that wait to be put into the full-text index are read one by one by every search: few may wait (64 kB instead of 4 MB).
ALTER INDEX document_words_by_word SET (gin_pending_list_limit = 64);
