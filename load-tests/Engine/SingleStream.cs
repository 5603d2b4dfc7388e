using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>Tokens per second while one row decodes, and 8 and 32, beside the peer's: rows over the median time from step to step.</summary>
internal static class SingleStream
{
    private const int Prompt = 400;
    private const int Tokens = 64;
    private static readonly int[] Rows = [1, 8, 32];

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        var folder = await bench.OpenAsync(cancellation);
        await using var serving = Serving.Start(folder, Rows[^1], bench.Threads, Serving.Gathering);
        var (ours, theirs) = (Rows.ToDictionary(rows => rows, _ => 0.0), Rows.ToDictionary(rows => rows, _ => 0.0));
        foreach (var rows in Rows) await DecodeAsync(serving, rows, cancellation); // Code is compiled, memory touched.
        for (var block = 0; block < bench.Blocks; block++)
        {
            Bench.Say($"decode, block {block + 1} of {bench.Blocks}");
            foreach (var rows in Rows) ours[rows] = Math.Max(ours[rows], await DecodeAsync(serving, rows, cancellation));
            if (bench.Peer is null) continue;
            foreach (var (rows, tokens) in await bench.Peer.DecodeAsync(folder.Path, Rows, Prompt, Tokens, serving.Runs.Threads, cancellation))
                theirs[rows] = Math.Max(theirs[rows], tokens);
        }

        if (bench.Peer is null) bench.Figures.LeaveOut("no peer", "single_stream_ratio");
        else bench.Figures.Add("single_stream_ratio", ours[1] / theirs[1]);
        foreach (var rows in Rows)
        {
            bench.Figures.Add($"decode_tokens_per_second_{rows}", ours[rows]);
            if (bench.Peer is not null) bench.Figures.Add($"peer_decode_tokens_per_second_{rows}", theirs[rows]);
        }
    }

    private static async Task<double> DecodeAsync(Serving serving, int rows, CancellationToken cancellation)
    {
        // Rows join one after the other; replies are long enough for all to be there together for a while.
        var sampling = new SamplingOptions { Temperature = 0, MaxTokens = rows == 1 ? Tokens : Tokens + 256 };
        serving.Runs.Forget();
        await Task.WhenAll(Enumerable.Range(0, rows).Select(row => serving.ReplyAsync(Prompts.Of(serving.Engine.Model, row, Prompt), sampling, scope: null, cancellation)));
        return rows / Steps.Steady(serving.Runs.Calls, rows).Take(Tokens).Select(step => step.Seconds).Median();
    }
}
