DROP INDEX deliveries_unfetched;
