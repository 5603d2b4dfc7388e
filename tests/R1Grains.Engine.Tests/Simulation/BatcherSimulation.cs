using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Engine.Tests.Simulation;

/// <summary>
/// Random lives of a device, step by step and without threads: requests come and share beginnings, are cancelled, run
/// out of time, are put aside, fail. The checks stand outside of the code: they look at plans, at slots and at what was
/// emitted, and compare every reply with that of a device which serves nobody else and remembers nothing.
/// </summary>
public sealed class BatcherSimulation
{
    /// <summary>Replays the one seed that a failure named.</summary>
    private const string SeedVariable = "R1_SIMULATION_SEED";

    private const int Seeds = 2_000;
    private const int ArrivalSteps = 120;

    private static readonly Model Model = ScriptedModel.Create(contextLength: 160);

    [Fact]
    public void Whatever_happens_the_rules_of_the_house_hold()
    {
        var only = Environment.GetEnvironmentVariable(SeedVariable);
        foreach (var seed in only is null ? Enumerable.Range(1, Seeds) : [int.Parse(only, CultureInfo.InvariantCulture)])
        {
            try
            {
                new Life(seed).Run();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed} fails; {SeedVariable}={seed} replays it.\n{e.Message}", e);
            }
        }
    }

    [Fact]
    public void Lives_are_eventful()
    {
        var lives = Enumerable.Range(1, 200).Select(seed => new Life(seed)).ToList();
        foreach (var life in lives) life.Run();
        Assert.True(lives.Sum(life => life.Reused) > 20_000, $"{lives.Sum(life => life.Reused)} reused");
        Assert.True(lives.Sum(life => life.Pauses) > 40, $"{lives.Sum(life => life.Pauses)} pauses");
        Assert.True(lives.Sum(life => life.Copies) > 1_000, $"{lives.Sum(life => life.Copies)} copies");
        foreach (var reason in new[] { FinishReason.Stop, FinishReason.Length, FinishReason.Cancelled, FinishReason.Deadline, FinishReason.Failed })
            Assert.True(lives.Sum(life => life.Ended(reason)) > 50, $"{reason}: {lives.Sum(life => life.Ended(reason))}");
    }

    private sealed class Life
    {
        private readonly Random _random;
        private readonly FakeTimeProvider _time = new();
        private readonly int _rows;
        private readonly int _capacity;
        private readonly int _grid;
        private readonly bool _fixed;
        private readonly int _chunk;
        private readonly int _haste; // Once in so many steps somebody cancels.
        private readonly SimulatedRunner _runner;
        private readonly KvSlots _slots;
        private readonly Batcher _batcher;
        private readonly StepLoop _steps;
        private readonly List<Sequence> _all = [];
        private readonly Dictionary<Sequence, List<Emission>> _read = [];
        private readonly List<Sequence> _admitted = [];
        private readonly HashSet<Sequence> _pausedBefore = [];
        private readonly string[] _beginnings;

        public Life(int seed)
        {
            _random = new Random(seed);
            _rows = IsExtreme() ? 24 : _random.Next(1, 6);
            _capacity = IsExtreme() ? Model.ContextLength : _random.Next(160, 800);
            _fixed = _random.Next(6) == 0;
            _grid = 1 << _random.Next(_fixed ? 1 : 0, 5);
            _chunk = Math.Max(16, 2 * _grid) * _random.Next(1, 6);
            _haste = IsExtreme() ? 2 : 12;
            _runner = Runner(_time, _rows, IsExtreme() ? 0 : _random.Next(1, 6), shortRows: _random.Next(2) * _random.Next(_rows));
            _slots = Slots(_runner, _capacity);
            var pace = new Pace();
            _batcher = new Batcher(_slots, pace, _runner);
            _steps = new StepLoop(_runner, _batcher, _slots, new Sampler(Model.Tokenizer.VocabularySize), pace, _time);
            _beginnings = [.. Enumerable.Range(0, 3).Select(i => new string((char)('a' + i), _random.Next(60)))];
            var faults = _random.Next(3) == 0 ? 60 : int.MaxValue;
            _runner.Fails = () => faults != int.MaxValue && _random.Next(faults) == 0;
        }

        // Few lives are so in one respect, and some of them in several.
        private bool IsExtreme() => _random.Next(8) == 0;

        public long Reused => _slots.Reused;

        public int Pauses { get; private set; }

        public int Copies => _runner.Copies;

        public int Ended(FinishReason reason) => _all.Count(s => s.Completion!.Reason == reason);

        public void Run()
        {
            for (var step = 0; step < ArrivalSteps || !_batcher.IsIdle; step++)
            {
                Assert.True(step < 20_000, "It never comes to rest.");
                while (step < ArrivalSteps && _random.Next(3) == 0) Arrive();
                if (_all.Count > 0 && _random.Next(_haste) == 0) _all[_random.Next(_all.Count)].Cancel();
                foreach (var sequence in _all)
                    if (_random.Next(4) == 0) Read(sequence); // Some readers are slow.
                var plan = _steps.Plan();
                Check(plan);
                _steps.Run(plan);
            }
            _steps.Run(_steps.Plan()); // Gives back what the last ones had.
            CheckEnd();
        }

        private SimulatedRunner Runner(FakeTimeProvider time, int rows, int parked, int shortRows = 0) =>
            new(time, rows, shortRows, parked, Model.ContextLength, Model.Tokenizer.VocabularySize, _grid, _fixed, _chunk, _capacity);

        private KvSlots Slots(SimulatedRunner runner, int capacity) =>
            new(runner.Rows, [.. Enumerable.Range(0, runner.Slots).Select(runner.SlotLength)], capacity, _grid);

        private void Arrive()
        {
            var max = IsExtreme() ? _random.Next(1, Model.ContextLength - 2) : _random.Next(1, 50);
            var text = _beginnings[_random.Next(3)] + string.Concat(Enumerable.Range(0, _random.Next(2, 40)).Select(_ => (char)_random.Next('a', 'd')));
            var earlier = _all.Count > 0 && _random.Next(3) == 0 ? _all[_random.Next(_all.Count)].Request.Prompt : [];
            int[] prompt = [.. earlier, .. text.Select(c => (int)c)];
            var length = Math.Max(2, Math.Min(prompt.Length, 160 - max));
            Add(new GenerationRequest
            {
                Id = $"{_all.Count}",
                Prompt = prompt[..length],
                Recorded = [.. Enumerable.Repeat((int)'r', _random.Next(4) == 0 ? _random.Next(max) : 0)],
                Scope = _random.Next(4) == 0 ? "other" : "",
                Priority = _random.Next(3) == 0 ? Priority.Batch : Priority.Interactive,
                Sampling = new SamplingOptions { Temperature = _random.Next(2), TopP = 1, Seed = (ulong)_random.Next(), MaxTokens = max },
                Deadline = _random.Next(5) == 0 ? _time.GetUtcNow().AddSeconds(_random.Next(1, 20)) : null,
            });
        }

        private void Add(GenerationRequest request)
        {
            var sequence = new Sequence(Model, request, places: 1_000) { ArrivedAt = _time.GetUtcNow() };
            _all.Add(sequence);
            _read[sequence] = [];
            _batcher.Add(sequence);
        }

        private void Check(StepPlan plan)
        {
            Assert.InRange(_slots.Reserved + _slots.Kept, 0, _capacity);
            Assert.InRange(_batcher.Running, 0, _rows);
            var holding = _all.Where(s => s.Slot >= 0).ToList();
            Assert.Equal(holding.Count, holding.Select(s => s.Slot).Distinct().Count());
            Assert.Equal(holding.Sum(s => s.Reserve), _slots.Reserved);
            Assert.All(holding, s => Assert.InRange(s.Reserve, 2, _runner.SlotLength(s.Slot)));
            var computed = plan.Decodes.Append(plan.Prefill).OfType<Sequence>().ToList();
            Assert.All(computed, s => Assert.True(s.Completion is null && s.Slot >= 0 && s.Slot < _rows && s.Computed < s.Length));
            Assert.Equal(plan.Decodes.Select(s => s.Slot).Order(), plan.Decodes.Select(s => s.Slot));
            if (!_batcher.IsIdle) Assert.False(plan.IsEmpty, "There is work, and nothing is done.");

            foreach (var sequence in holding.Except(_admitted).OrderBy(s => s.AdmittedAt).ThenBy(s => s.Due).ToList())
            {
                // Nobody who was due sooner still waits or is put aside: interactive before batch, and batch not for ever.
                Assert.DoesNotContain(_all, other => (other.Slot < 0 || other.Slot >= _rows) && other.Completion is null && other.Due < sequence.Due && other != sequence);
                _admitted.Add(sequence);
            }
            var paused = holding.Where(s => s.Slot >= _rows).ToHashSet();
            Pauses += paused.Count(s => !_pausedBefore.Contains(s));
            Assert.All(paused, s => Assert.Equal(Priority.Batch, s.Request.Priority));
            _pausedBefore.Clear();
            _pausedBefore.UnionWith(paused);
        }

        private void CheckEnd()
        {
            Assert.Equal(0, _slots.Reserved);
            Assert.Equal(_slots.Kept, _runner.Positions);
            Assert.Equal(0, _batcher.QueuedTokens);
            foreach (var sequence in _all)
            {
                RequireSimulated(sequence);
                Read(sequence);
                var emissions = _read[sequence];
                Assert.Same(sequence.Completion, emissions[^1].Completion);
                Assert.Equal(1, emissions.Count(e => e.Kind == EmissionKind.Finished));
                Assert.Equal(emissions.Select(e => e.Kind).Order(), emissions.Select(e => e.Kind)); // Queued, prefilling, tokens, end.
                var ids = emissions.Where(e => e.Kind == EmissionKind.Token).Select(e => e.TokenId).ToList();
                Assert.Equal(sequence.Completion!.Usage.ReasoningTokens + sequence.Completion.Usage.AnswerTokens, sequence.Request.Recorded.Length + ids.Count);
                var alone = Alone(sequence.Request);
                if (sequence.Completion.Reason is FinishReason.Stop or FinishReason.Length) Assert.Equal(alone, ids);
                else Assert.Equal(alone.Take(ids.Count), ids);
            }
        }

        /// <summary>What the runner objects to looks like a failed run.</summary>
        private static void RequireSimulated(Sequence sequence) =>
            Assert.True(sequence.Completion!.Error is null || sequence.Completion.Error.EndsWith(SimulatedRunner.Fault, StringComparison.Ordinal), sequence.Completion.Error);

        private void Read(Sequence sequence)
        {
            while (sequence.Emissions.TryRead(out var emission)) _read[sequence].Add(emission);
        }

        /// <summary>The whole reply of a device that serves only this request.</summary>
        private List<int> Alone(GenerationRequest request)
        {
            var runner = Runner(new FakeTimeProvider(), rows: 1, parked: 1);
            var slots = Slots(runner, capacity: 160);
            var batcher = new Batcher(slots, new Pace(), runner);
            var time = new FakeTimeProvider();
            var steps = new StepLoop(runner, batcher, slots, new Sampler(Model.Tokenizer.VocabularySize), new Pace(), time);
            var sequence = new Sequence(Model, request with { Deadline = null }, places: 1) { ArrivedAt = time.GetUtcNow() };
            batcher.Add(sequence);
            while (sequence.Completion is null) steps.Run(steps.Plan());
            RequireSimulated(sequence);
            Assert.NotEqual(FinishReason.Failed, sequence.Completion.Reason);
            var ids = new List<int>();
            while (sequence.Emissions.TryRead(out var emission))
                if (emission.Kind == EmissionKind.Token) ids.Add(emission.TokenId);
            return ids;
        }
    }
}
