namespace R1Grains.LoadTests;

/// <summary>What a figure must reach, and what we would like it to.</summary>
internal sealed record Target(double Floor, double? Aim = null, bool AtMost = false)
{
    public static readonly IReadOnlyDictionary<string, Target> Of = new Dictionary<string, Target>
    {
        ["single_stream_ratio"] = new(0.97, 1.05),
        ["arrivals_tokens_ratio"] = new(1.5),
        ["arrivals_tokens_ratio_unique"] = new(0.95, 1.1),
        ["arrivals_ttft_p95_ratio"] = new(0.25, 0.15, AtMost: true),
        ["arrivals_ttft_p95_ratio_unique"] = new(0.25, 0.15, AtMost: true),
        ["warm_turn_ttft_ratio"] = new(0.1, AtMost: true),
        ["step_overhead_fraction"] = new(0.03, AtMost: true),
        ["step_overhead_fraction_sampled"] = new(0.06, AtMost: true),
        ["step_allocated_bytes"] = new(0, AtMost: true),
        ["cancel_extra_ms_p95"] = new(5, AtMost: true),
        ["itl_during_prefill_ratio"] = new(1.5, AtMost: true),
        ["itl_beside_short_prompts_ratio"] = new(1.5, AtMost: true),
        ["determinism_tokens"] = new(10_000),
        ["determinism_rows_max"] = new(64),
        ["determinism_differences"] = new(0, AtMost: true),
        ["turns_per_second_p99_800ms"] = new(12, 30),
        ["turns_lost"] = new(0, AtMost: true),
        ["turns_duplicated"] = new(0, AtMost: true),
        ["stream_gaps"] = new(0, AtMost: true),
        ["stream_repeats"] = new(0, AtMost: true),
        ["unrecorded_characters"] = new(0, AtMost: true),
        ["conversations_stuck"] = new(0, AtMost: true),
        ["answers_changed"] = new(0, AtMost: true),
        ["false_deaths"] = new(0, AtMost: true),
        ["turns_not_completed"] = new(0, AtMost: true),
        ["faults_mid_answer"] = new(50),
        ["failover_pause_killed_s_p95"] = new(3, AtMost: true),
        ["failover_pause_frozen_s_p95"] = new(12, AtMost: true),
        ["cpu_us_per_token"] = new(90, 50, AtMost: true),
        ["scale_3_over_1"] = new(2.8),
        ["added_ttft_ms_p50"] = new(10, AtMost: true),
        ["pii_recall"] = new(0.99, 0.999),
        ["pii_precision"] = new(0.99, 0.995),
        ["pii_negatives"] = new(10_000),
        ["pii_token_us_p99"] = new(5, AtMost: true),
        ["appends_per_s"] = new(3_500, 7_000),
        ["append_ms_p99"] = new(80, 50, AtMost: true),
        ["ttft_added_ms"] = new(30, 12, AtMost: true),
        ["records_lost"] = new(0, AtMost: true),
        ["records_duplicated"] = new(0, AtMost: true),
        ["tamper_cases"] = new(40),
        ["tamper_mechanisms"] = new(20),
        ["tamper_missed"] = new(0, AtMost: true),
        ["false_alarms"] = new(0, AtMost: true),
        ["record_contradictions"] = new(0, AtMost: true),
        ["tree_leaves_per_s"] = new(1_000_000, 1_500_000),
        ["records_verified_per_s"] = new(100_000, 250_000),
        ["proof_check_ms_p99"] = new(0.2, AtMost: true),
        ["search_2char_ms_p95"] = new(500, 100, AtMost: true),
        ["conversation_read_s_p95"] = new(2, AtMost: true),
        ["customer_read_s"] = new(60, AtMost: true),
        ["safety_added_ms_p50"] = new(1, AtMost: true),
        ["attacks_through_rate"] = new(0.05, 0.01, AtMost: true),
        ["attacks_canary_shown"] = new(0, AtMost: true),
        ["attacks_secret_shown"] = new(0, AtMost: true),
        ["attacks_secret_seen"] = new(0, AtMost: true),
        ["attacks_marks_forged"] = new(0, AtMost: true),
        ["attacks_hidden_seen"] = new(0, AtMost: true),
        ["fuzz_crashes"] = new(0, AtMost: true),
        ["fuzz_memory_growth_mib"] = new(64, AtMost: true),
        ["idle_grain_bytes"] = new(8_192, AtMost: true),
        ["idle_grain_bytes_after_turn"] = new(8_192, AtMost: true),
        ["silo_loss_conversations_lost"] = new(0, AtMost: true),
        ["silo_loss_turns_lost"] = new(0, AtMost: true),
        ["rss_total_mib"] = new(8_191, AtMost: true),
        ["exact_mb_per_s"] = new(100, 200),
        ["normalised_mb_per_s"] = new(60),
        ["lexicon_mib"] = new(10, 5, AtMost: true),
        ["rebuild_s"] = new(1, 0.5, AtMost: true),
        ["token_us_p99"] = new(5, 1, AtMost: true),
        ["token_allocated_bytes"] = new(1, AtMost: true),
        ["evasion_recall"] = new(0.95, 0.99),
        ["clean_false_rate"] = new(0.005, 0.001, AtMost: true),
        ["clean_false_rate_english"] = new(0.005, 0.001, AtMost: true),
        ["naive_differences"] = new(0, AtMost: true),
        ["cut_differences"] = new(0, AtMost: true),
    };

    /// <summary>What is not a number meets nothing.</summary>
    public bool IsMetBy(double value) => Meets(value, Floor);

    public bool IsAimOf(double value) => Aim is { } aim && Meets(value, aim);

    public string Show(double bound) => $"{(AtMost ? '≤' : '≥')} {bound:#,0.###}";

    private bool Meets(double value, double bound) => AtMost ? value <= bound : value >= bound;
}
