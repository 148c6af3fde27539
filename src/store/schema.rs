//! Tables as diesel sees them. Generated from the migrations by `make schema`; never edited.

diesel::table! {
    agencies (agency_code) {
        agency_code -> Text,
        name -> Text,
        parent_code -> Nullable<Text>,
        mail -> Text,
        mobile -> Text,
        fax -> Text,
        state -> Text,
        successor_code -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamp,
        changed_at -> Timestamp,
        valid_from -> Nullable<Text>,
        valid_until -> Nullable<Text>,
    }
}

diesel::table! {
    agency_aliases (alias_folded) {
        alias_folded -> Text,
        alias -> Text,
        agency_code -> Text,
    }
}

diesel::table! {
    attachments (envelope_id, number) {
        envelope_id -> Text,
        number -> Integer,
        name -> Text,
        content_type -> Text,
        bytes -> BigInt,
        sha256 -> Binary,
    }
}

diesel::table! {
    deliveries (delivery_id) {
        delivery_id -> Text,
        envelope_id -> Text,
        sender_code -> Text,
        document_id -> Text,
        packet_kind -> Text,
        recipient_code -> Text,
        occurrence -> Text,
        outcome -> Text,
        state -> Text,
        mark -> Text,
        note -> Text,
        recall -> Text,
        fetched_at -> Nullable<Timestamp>,
        accepted_at -> Timestamp,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    directory (only_row) {
        only_row -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    document_links (envelope_id, relation, target_sender_code, target_document_id) {
        envelope_id -> Text,
        relation -> Text,
        target_sender_code -> Text,
        target_document_id -> Text,
    }
}

diesel::table! {
    envelopes (envelope_id) {
        envelope_id -> Text,
        packet_kind -> Text,
        system_id -> Nullable<Text>,
        sender_code -> Text,
        document_id -> Text,
        meaning -> Binary,
        payload_sha256 -> Binary,
        bytes -> BigInt,
        subject -> Text,
        code_number -> Text,
        code_notation -> Text,
        type_name -> Text,
        issued_on -> Nullable<Text>,
        due_on -> Nullable<Text>,
        urgency -> Integer,
        accepted_at -> Timestamp,
    }
}

diesel::table! {
    evidence (evidence_id) {
        evidence_id -> Text,
        event -> Text,
        at -> Timestamp,
        envelope_id -> Nullable<Text>,
        delivery_id -> Nullable<Text>,
        agency -> Nullable<Text>,
        system_id -> Nullable<Text>,
        facts -> Text,
    }
}

diesel::table! {
    job_runs (job, due_at) {
        job -> Text,
        due_at -> Timestamp,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    payloads (envelope_id) {
        envelope_id -> Text,
        sha256 -> Binary,
        content -> Nullable<Binary>,
    }
}

diesel::table! {
    status_reports (envelope_id, delivery_id) {
        envelope_id -> Text,
        delivery_id -> Text,
        reporter_code -> Text,
        status_code -> Text,
        description -> Text,
        claimed_at -> Nullable<Timestamp>,
        accepted_at -> Timestamp,
    }
}

diesel::table! {
    system_addresses (system_id, address) {
        system_id -> Text,
        address -> Text,
    }
}

diesel::table! {
    system_agencies (system_id, agency_code) {
        system_id -> Text,
        agency_code -> Text,
    }
}

diesel::table! {
    system_keys (key_id) {
        key_id -> Text,
        system_id -> Text,
        secret_sealed -> Binary,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    systems (system_id) {
        system_id -> Text,
        name -> Text,
        created_at -> Timestamp,
        role -> Text,
        suspended_at -> Nullable<Timestamp>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    agencies,
    agency_aliases,
    attachments,
    deliveries,
    directory,
    document_links,
    envelopes,
    evidence,
    job_runs,
    payloads,
    status_reports,
    system_addresses,
    system_agencies,
    system_keys,
    systems,
);
