namespace R1Grains.Ledger.Exports;

/// <summary>What an export shows of confidential texts. What it masks, and how, is the host's matter.</summary>
/// <param name="Name">REDACTED, FULL or REASONING.</param>
/// <param name="IsWhole">Whether whole texts are shown: the customer's own words, passages, what waits for a person, failures.</param>
/// <param name="WithReasoning">Whether the model's reasoning is shown.</param>
/// <param name="Mask">A text as it is shown where whole ones are not.</param>
/// <param name="MaskInput">The same of a turn's input, which the record knows more of.</param>
/// <param name="IsGenerated">Whether a model wrote any of what was shown; null where that was not said to the customer.</param>
public sealed record ExportView(
    string Name, bool IsWhole, bool WithReasoning, Func<string, string> Mask, Func<TurnOpened, string> MaskInput, Func<TurnOpened, string, bool?> IsGenerated);
