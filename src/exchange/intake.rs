//! The bytes of a packet on their way in: spooled, hashed and read in one pass.
