ALTER INDEX document_words_by_word RESET (gin_pending_list_limit);
