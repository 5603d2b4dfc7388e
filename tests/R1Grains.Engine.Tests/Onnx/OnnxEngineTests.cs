using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class OnnxEngineTests
{
    public static TheoryData<string> Models => new("fp32", "int8", "int4", "r1-tiny");

    [Theory, MemberData(nameof(Models))]
    public async Task Sixteen_requests_at_once_all_progress_and_each_has_the_ids_it_has_alone(string model)
    {
        var folder = Open(model);
        var runner = new WatchedRunner(new OnnxModelRunner(folder, rows: 16, threads: 0));
        await using var engine = new InferenceEngine(folder.Model with { StopIds = [] }, runner, Options(), TimeProvider.System);
        var requests = Enumerable.Range(0, 16).Select(i => Request(engine.Model, string.Concat(Enumerable.Repeat("跨行转账手续费是多少？ fee ", 1 + i * 2)), new SamplingOptions
        {
            Seed = (ulong)i,
            Temperature = i % 4 == 0 ? 0 : 1,
            TopP = 1,
            MaxTokens = 60 + i * 3,
            ReasoningBudget = i % 3 == 0 ? 10 : null,
        })).ToList();

        var running = requests.ConvertAll(request => engine.RunAsync(request));
        runner.Begin.Set();
        var together = await Task.WhenAll(running);
        Assert.Equal(16, runner.MostRows);
        for (var i = 0; i < 16; i++)
        {
            var (ids, completion) = await engine.RunAsync(requests[i]);
            Assert.Equal(ids, together[i].Ids);
            Assert.Equal(completion, together[i].Completion);
        }
    }

    [Theory, MemberData(nameof(Models))]
    public async Task A_resumed_reply_is_a_function_of_prompt_and_recorded_ids_whatever_else_runs(string model)
    {
        var folder = Open(model);
        // Random weights say their end at any time; here every reply is as long as it may be.
        await using var engine = new InferenceEngine(folder.Model with { StopIds = [] }, new OnnxModelRunner(folder, rows: 16, threads: 0), Options(), TimeProvider.System);
        var sampling = new SamplingOptions { Seed = 3, Temperature = 1, TopP = 1, MaxTokens = 80 };
        var (whole, _) = await engine.RunAsync(Request(engine.Model, "你好", sampling));
        var resumed = Request(engine.Model, "你好", sampling, recorded: whole[..20]);
        var alone = await engine.RunAsync(resumed);
        var busy = Enumerable.Range(0, 9).Select(i => engine.RunAsync(Request(engine.Model, $"{i}", sampling with { Seed = (ulong)i }))).ToList();
        var again = await engine.RunAsync(resumed);
        await Task.WhenAll(busy);
        Assert.Equal(alone.Ids, again.Ids);
        Assert.Equal(whole.Length, 20 + alone.Ids.Length);
        Assert.Equal(alone.Completion, again.Completion);
        if (model == "fp32") Assert.Equal(whole[20..], alone.Ids); // Prefilled and decoded history differ by 1e-6 only.
    }

    [Fact]
    public async Task Another_engine_gives_the_same_ids_for_the_same_request()
    {
        await using var first = Load("int4");
        await using var second = new InferenceEngine(first.Model, new OnnxModelRunner(ModelFolder.Open(ModelFolders.Get("int4")), 3, 1), Options(), TimeProvider.System);
        var request = Request(first.Model, "same seed, same tokens", new SamplingOptions { Seed = 99, Temperature = 1, MaxTokens = 60 });
        Assert.Equal((await first.RunAsync(request)).Ids, (await second.RunAsync(request)).Ids);
    }

    [Fact]
    public async Task A_prompt_of_thirty_two_thousand_ids_is_answered_within_the_window()
    {
        await using var engine = InferenceEngine.Load(new EngineOptions { Folder = ModelFolders.Smallest(40_000) }, TimeProvider.System);
        Assert.Equal(32_768, engine.Model.ContextLength);
        var prompt = OnnxModelRunnerTests.Prompt(1, 32_768 - 8);
        var sampling = Greedy with { MaxTokens = 8, TopP = 1 };
        var emissions = await engine.GenerateAsync(new GenerationRequest { Id = "long", Scope = "", Prompt = prompt, Sampling = sampling }).CollectAsync();
        Assert.Equal(new Usage(32_760, 8, 0), emissions[^1].Completion!.Usage);
        Assert.Equal(FinishReason.Length, emissions[^1].Completion!.Reason);
        Assert.Throws<PromptTooLongException>(() => engine.GenerateAsync(new GenerationRequest { Id = "longer", Scope = "", Prompt = [.. prompt, 1], Sampling = sampling }));
    }

    private static ModelFolder Open(string model) => ModelFolder.Open(model == "r1-tiny" ? ModelFolders.Shipped : ModelFolders.Get(model));

    private static InferenceEngine Load(string precision) =>
        InferenceEngine.Load(new EngineOptions { Folder = ModelFolders.Get(precision) }, TimeProvider.System);

    private sealed class WatchedRunner(IModelRunner runner) : IModelRunner
    {
        /// <summary>Nothing runs before it is set.</summary>
        public ManualResetEventSlim Begin { get; } = new();

        public int MostRows { get; private set; }

        public int Rows => runner.Rows;

        public int Slots => runner.Slots;

        public int CutGrid => runner.CutGrid;

        public bool HasFixedCuts => runner.HasFixedCuts;

        public int ContextLength => runner.ContextLength;

        public int VocabularySize => runner.VocabularySize;

        public int ChunkLength => runner.ChunkLength;

        public int KvCapacity => runner.KvCapacity;

        public string Numerics => runner.Numerics;

        public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
        {
            if (!Begin.Wait(TimeSpan.FromMinutes(1))) throw new TimeoutException("Nobody let the runs begin.");
            runner.Prefill(slot, start, tokens);
        }

        public void Decode(ReadOnlySpan<DecodeRow> rows)
        {
            MostRows = Math.Max(MostRows, rows.Length);
            runner.Decode(rows);
        }

        public ReadOnlySpan<float> Logits(int slot) => runner.Logits(slot);

        public void Copy(int from, int to, int length) => runner.Copy(from, to, length);

        public void Truncate(int slot, int length) => runner.Truncate(slot, length);

        public void Dispose() => runner.Dispose();
    }
}
