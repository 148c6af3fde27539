//! Tables as diesel sees them. Generated from the migrations by `make schema`; never edited.

diesel::table! {
    accesses (agency_code, evidence_id) {
        agency_code -> Text,
        evidence_id -> Text,
        at -> Timestamp,
        who -> Text,
        act -> Text,
        about -> Text,
        envelope_id -> Nullable<Text>,
        warrant_id -> Nullable<Text>,
        document_at -> Nullable<Timestamp>,
    }
}

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
        channel -> Text,
        merges_into -> Nullable<Text>,
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
    agency_signs (sign, agency_code) {
        sign -> Text,
        agency_code -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    announcements (announcement_id) {
        announcement_id -> Text,
        endpoint_id -> Text,
        event -> Text,
        series -> Text,
        body -> Text,
        state -> Text,
        attempts -> Integer,
        reason -> Text,
        created_at -> Timestamp,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    archives (archive_id) {
        archive_id -> Text,
        request -> Text,
        asked_by -> Text,
        asked_at -> Timestamp,
        state -> Text,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        done -> BigInt,
        bytes -> BigInt,
        sha256 -> Text,
        manifest -> Text,
        evidence_id -> Nullable<Text>,
        reason -> Text,
        finished_at -> Nullable<Timestamp>,
        purge_id -> Nullable<Text>,
        destroyed_at -> Nullable<Timestamp>,
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
    attempts (delivery_id, number) {
        delivery_id -> Text,
        number -> Integer,
        started_at -> Timestamp,
        finished_at -> Timestamp,
        outcome -> Text,
        http_status -> Nullable<Integer>,
        reason -> Text,
        next_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    bulletin_agencies (bulletin_id, agency_code) {
        bulletin_id -> Text,
        agency_code -> Text,
    }
}

diesel::table! {
    bulletins (bulletin_id) {
        bulletin_id -> Text,
        text -> Text,
        from_at -> Timestamp,
        until_at -> Timestamp,
        published_by -> Text,
        published_at -> Timestamp,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    certificates (certificate_id) {
        certificate_id -> Text,
        subject -> Text,
        begins_at -> Timestamp,
        ends_at -> Timestamp,
        der -> Binary,
    }
}

diesel::table! {
    checkpoints (tree_size) {
        tree_size -> BigInt,
        signed_at -> Timestamp,
        sealed_by -> Text,
        note -> Text,
    }
}

diesel::table! {
    closed_days (day) {
        day -> Text,
        evidence_id -> Text,
        next_index -> BigInt,
        list -> Text,
    }
}

diesel::table! {
    cosignatures (tree_size, witness) {
        tree_size -> BigInt,
        witness -> Text,
        cosigned_at -> Timestamp,
        line -> Text,
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
        via -> Nullable<Text>,
        hops -> Nullable<Text>,
        came_as -> Nullable<Text>,
    }
}

diesel::table! {
    destroyed_packets (envelope_id) {
        envelope_id -> Text,
        purge_id -> Text,
        line -> Text,
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
    endpoints (endpoint_id) {
        endpoint_id -> Text,
        kind -> Text,
        holder -> Text,
        url -> Text,
        secret_sealed -> Binary,
        confirms_itself -> Bool,
        state -> Text,
        reason -> Text,
        in_flight_max -> Integer,
        failures -> Integer,
        openings -> Integer,
        rests_until -> Nullable<Timestamp>,
        succeeded_at -> Nullable<Timestamp>,
        failed_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        changed_at -> Timestamp,
        wants -> Text,
        former_sealed -> Nullable<Binary>,
        former_until -> Nullable<Timestamp>,
        replayed_at -> Nullable<Timestamp>,
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
        paper_follows -> Nullable<Bool>,
        bears_signature -> Nullable<Bool>,
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
    failures (delivery_id) {
        delivery_id -> Text,
        recipient_code -> Text,
        cause -> Text,
        failed_at -> Timestamp,
    }
}

diesel::table! {
    followers (follower) {
        follower -> Text,
        ledger_index -> BigInt,
    }
}

diesel::table! {
    freed_codes (alias_folded) {
        alias_folded -> Text,
        alias -> Text,
        agency_code -> Text,
        freed_at -> Timestamp,
    }
}

diesel::table! {
    frozen_counts (scope, day, agency_code, slice, what, partner_code) {
        scope -> Text,
        day -> Text,
        agency_code -> Text,
        slice -> Text,
        what -> Text,
        partner_code -> Text,
        number -> BigInt,
    }
}

diesel::table! {
    frozen_months (month) {
        month -> Text,
        frozen_at -> Timestamp,
        ledger_size -> BigInt,
    }
}

diesel::table! {
    grants (grant_id) {
        grant_id -> Text,
        gift -> Text,
        holder -> Text,
        reason -> Text,
        state -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    identity_providers (provider_id) {
        provider_id -> Text,
        name -> Text,
        issuer -> Text,
        client_id -> Text,
        secret_sealed -> Nullable<Binary>,
        discovered -> Text,
        second_factor -> Text,
        agency_code -> Nullable<Text>,
        suspended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    incidents (incident_id) {
        incident_id -> Text,
        kind -> Text,
        place -> Text,
        grave -> Bool,
        vi -> Text,
        en -> Text,
        began_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    job_runs (job, due_at) {
        job -> Text,
        due_at -> Timestamp,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
        started_at -> Nullable<Timestamp>,
        outcome -> Text,
        done -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    ledger_entries (ledger_index) {
        ledger_index -> BigInt,
        evidence_id -> Text,
        entry -> Binary,
    }
}

diesel::table! {
    ledger_tiles (level, number) {
        level -> Integer,
        number -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    legal_holds (hold_id) {
        hold_id -> Text,
        scope -> Text,
        reason -> Text,
        placed_by -> Text,
        placed_at -> Timestamp,
        lifted_by -> Nullable<Text>,
        lifted_at -> Nullable<Timestamp>,
        lifted_reason -> Text,
    }
}

diesel::table! {
    mails (mail_id) {
        mail_id -> Text,
        once -> Text,
        address -> Text,
        notice -> Text,
        state -> Text,
        reason -> Text,
        attempts -> Integer,
        due_at -> Timestamp,
        lease_owner -> Nullable<Text>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    neighbour_keys (neighbour) {
        neighbour -> Text,
        ledger_key -> Text,
        witness_key -> Text,
        certificates -> Text,
    }
}

diesel::table! {
    neighbour_receipts (delivery_id) {
        delivery_id -> Text,
        neighbour -> Text,
        received_at -> Timestamp,
        xml -> Text,
    }
}

diesel::table! {
    nodes (node_id) {
        node_id -> Text,
        host -> Text,
        version -> Text,
        started_at -> Timestamp,
        seen_at -> Timestamp,
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
    purge_packets (purge_id, envelope_id) {
        purge_id -> Text,
        envelope_id -> Text,
        class -> Text,
        outcome -> Text,
    }
}

diesel::table! {
    purges (purge_id) {
        purge_id -> Text,
        scope -> Text,
        reason -> Text,
        found -> BigInt,
        found_bytes -> BigInt,
        state -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        after_envelope -> Text,
        destroyed -> BigInt,
        destroyed_bytes -> BigInt,
        kept -> BigInt,
        ended_at -> Nullable<Timestamp>,
        evidence_id -> Nullable<Text>,
    }
}

diesel::table! {
    pushes (push_id) {
        push_id -> Text,
        endpoint_id -> Text,
        lane -> Integer,
        due_at -> Timestamp,
        expires_at -> Timestamp,
        attempts -> Integer,
        lease_owner -> Nullable<Text>,
        held -> Bool,
        series -> Nullable<Text>,
    }
}

diesel::table! {
    read_documents (user_id, envelope_id) {
        user_id -> Text,
        envelope_id -> Text,
    }
}

diesel::table! {
    receipts (evidence_id) {
        evidence_id -> Text,
        certificate_id -> Text,
        signed_at -> Timestamp,
        xml -> Text,
    }
}

diesel::table! {
    reconciliations (evidence_id) {
        evidence_id -> Text,
        agency_code -> Text,
        list -> Text,
    }
}

diesel::table! {
    recovery_codes (user_id, code_digest) {
        user_id -> Text,
        code_digest -> Binary,
    }
}

diesel::table! {
    redriven_deliveries (redrive_id, delivery_id) {
        redrive_id -> Text,
        delivery_id -> Text,
    }
}

diesel::table! {
    redrives (redrive_id) {
        redrive_id -> Text,
        recipient_code -> Text,
        cause -> Text,
        per_minute -> Integer,
        reason -> Text,
        found -> BigInt,
        state -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        after_delivery -> Text,
        started -> BigInt,
        taken_back -> BigInt,
        started_before -> BigInt,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    routes (prefix) {
        prefix -> Text,
        neighbour -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    sample_items (sample_id, number) {
        sample_id -> Text,
        number -> BigInt,
        envelope_id -> Text,
        note -> Text,
    }
}

diesel::table! {
    samples (sample_id) {
        sample_id -> Text,
        warrant_id -> Text,
        size -> BigInt,
        is_own_seed -> Bool,
        seed -> Text,
        evidence_id -> Text,
        asked_at -> Timestamp,
        tree_size -> BigInt,
        checkpoint -> Text,
        population -> BigInt,
        drawn_at -> Nullable<Timestamp>,
        archive_id -> Nullable<Text>,
    }
}

diesel::table! {
    saved_views (user_id, name) {
        user_id -> Text,
        name -> Text,
        asks -> Text,
    }
}

diesel::table! {
    searchable_documents (number) {
        number -> BigInt,
        envelope_id -> Text,
    }
}

diesel::table! {
    selftest_marks (mark_id) {
        mark_id -> Text,
        run_id -> Text,
        case_code -> Text,
        what -> Text,
        envelope_id -> Nullable<Text>,
        detail -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    selftest_results (run_id, case_code) {
        run_id -> Text,
        case_code -> Text,
        verdict -> Text,
        reason_vi -> Text,
        reason_en -> Text,
        judged_at -> Timestamp,
    }
}

diesel::table! {
    selftest_runs (run_id) {
        run_id -> Text,
        system_id -> Text,
        agency_code -> Text,
        case_set -> Text,
        cases -> Text,
        started_at -> Timestamp,
        ends_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        certificate -> Nullable<Text>,
    }
}

diesel::table! {
    statements (evidence_id) {
        evidence_id -> Text,
        day -> Text,
        sender_code -> Text,
        recipient_code -> Text,
        sent -> BigInt,
        list -> Text,
    }
}

diesel::table! {
    statistic_counts (scope, day, agency_code, slice, what, partner_code) {
        scope -> Text,
        day -> Text,
        agency_code -> Text,
        slice -> Text,
        what -> Text,
        partner_code -> Text,
        number -> BigInt,
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
        suspended_at -> Nullable<Timestamp>,
        role -> Text,
    }
}

diesel::table! {
    timestamps (tree_size) {
        tree_size -> BigInt,
        stamped_at -> Timestamp,
        authority -> Text,
        token -> Binary,
    }
}

diesel::table! {
    unsealed (evidence_id) {
        evidence_id -> Text,
    }
}

diesel::table! {
    user_agencies (user_id, agency_code) {
        user_id -> Text,
        agency_code -> Text,
    }
}

diesel::table! {
    user_identities (provider_id, subject) {
        provider_id -> Text,
        subject -> Text,
        user_id -> Text,
    }
}

diesel::table! {
    user_sessions (session_digest) {
        session_digest -> Binary,
        user_id -> Text,
        address -> Text,
        agent -> Text,
        created_at -> Timestamp,
        seen_at -> Timestamp,
        provider_id -> Nullable<Text>,
    }
}

diesel::table! {
    users (user_id) {
        user_id -> Text,
        login -> Text,
        name -> Text,
        role -> Text,
        password -> Text,
        must_change -> Bool,
        second_factor -> Text,
        secret_sealed -> Nullable<Binary>,
        last_step -> BigInt,
        failures -> Integer,
        locked_until -> Nullable<Timestamp>,
        suspended_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        signed_in_at -> Nullable<Timestamp>,
        resumed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    warrant_agencies (warrant_id, agency_code) {
        warrant_id -> Text,
        agency_code -> Text,
    }
}

diesel::table! {
    warrants (warrant_id) {
        warrant_id -> Text,
        user_id -> Text,
        number -> Text,
        decided_on -> Text,
        purpose -> Text,
        every_agency -> Bool,
        content -> Bool,
        documents_from -> Text,
        documents_until -> Text,
        from_at -> Timestamp,
        until_at -> Timestamp,
        issued_by -> Text,
        issued_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        exports -> BigInt,
    }
}

diesel::table! {
    watched_ledgers (origin) {
        origin -> Text,
        tree_size -> BigInt,
        root -> Binary,
        grown_at -> Timestamp,
        refused -> Nullable<Text>,
    }
}

diesel::table! {
    witnesses (witness) {
        witness -> Text,
        tree_size -> BigInt,
        failures -> Integer,
        due_at -> Timestamp,
        well_at -> Timestamp,
        trouble -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accesses,
    agencies,
    agency_aliases,
    agency_signs,
    announcements,
    archives,
    attachments,
    attempts,
    bulletin_agencies,
    bulletins,
    certificates,
    checkpoints,
    closed_days,
    cosignatures,
    deliveries,
    destroyed_packets,
    directory,
    document_links,
    endpoints,
    envelopes,
    evidence,
    failures,
    followers,
    freed_codes,
    frozen_counts,
    frozen_months,
    grants,
    identity_providers,
    incidents,
    job_runs,
    ledger_entries,
    ledger_tiles,
    legal_holds,
    mails,
    neighbour_keys,
    neighbour_receipts,
    nodes,
    payloads,
    purge_packets,
    purges,
    pushes,
    read_documents,
    receipts,
    reconciliations,
    recovery_codes,
    redriven_deliveries,
    redrives,
    routes,
    sample_items,
    samples,
    saved_views,
    searchable_documents,
    selftest_marks,
    selftest_results,
    selftest_runs,
    statements,
    statistic_counts,
    status_reports,
    system_addresses,
    system_agencies,
    system_keys,
    systems,
    timestamps,
    unsealed,
    user_agencies,
    user_identities,
    user_sessions,
    users,
    warrant_agencies,
    warrants,
    watched_ledgers,
    witnesses,
);
