using System.Diagnostics;
using System.Collections.Concurrent;
using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Retention;
using R1Grains.Operations;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Operations;

/// <summary>Whatever goes wrong, no line of a log that holds everything says what was said.</summary>
public sealed class LoggedWordsTests
{
    // Each goes another way.
    private static readonly string[] Words =
        ["wombat", "13812345678", "okapi", "quagga", "narwhal", "axolotl", "dugong", "numbat", "6225881214567892", "You said", "Let me see", "110105491231002", "capybara", "ocelot"];

    [Fact]
    public async Task Neither_turns_nor_refusals_nor_defects_write_words_into_a_log()
    {
        var written = new Written();
        await using (var host = await EmbeddedHost.Start(configure: builder => Everything(builder, written), settings: ["--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Orleans=Trace", "--Logging:LogLevel:Microsoft=Trace"]))
        {
            var created = await host.Conversations.CreateConversationAsync(new()
            {
                Parent = "tenants/demo", ConversationId = "c", RequestId = "create",
                Conversation = new() { Customer = "okapi 13812345678", Agent = "quagga", Channel = "narwhal", Labels = { ["axolotl"] = "axolotl" } },
            });
            // A turn, its retry, and what reads it.
            await host.Say(created.Name, "1", "wombat 13812345678, card 6225881214567892").Rest();
            await host.Say(created.Name, "1", "wombat 13812345678, card 6225881214567892").Rest();
            await host.Turns.ListTurnsAsync(new() { Parent = created.Name });
            await host.Conversations.GetContextWindowAsync(new() { Conversation = created.Name });
            // Those who look for it.
            await host.Transcripts.SearchTranscriptsAsync(new() { Parent = "tenants/demo", Query = "wombat", Purpose = "sample", Filter = new() { Customer = "okapi 13812345678", Agent = "quagga" } });
            await host.Transcripts.GetTranscriptAsync(new() { Name = created.Name, View = TranscriptView.Reasoning, Purpose = "sample" });
            await Refused(() => host.Transcripts.SearchTranscriptsAsync(new() { Parent = "tenants/demo", Query = "oc* dugong", Purpose = "sample" }).ResponseAsync);
            // Refusals.
            await Refused(() => host.Say(created.Name, "1", "dugong, other words").Rest());
            await Refused(() => host.Say(created.Name, "2", "numbat " + new string('x', 200_000)).Rest());
            await Refused(() => host.Say(created.Name, "3 ocelot 13812345678", "wombat").Rest());
            await Refused(() => host.Say("tenants/demo/ocelot 13812345678", "4", "wombat").Rest());
            await Refused(() => host.Turns.ListTurnsAsync(new() { Parent = created.Name, PageToken = "ocelot" }).ResponseAsync);
            await Refused(() => host.Open("13812345678"));
            // No message at all.
            var bytes = Marshallers.Create(value => value, value => value);
            await Refused(() => host.Channel.CreateCallInvoker().AsyncUnaryCall(
                new Method<byte[], byte[]>(MethodType.Unary, "r1grains.v1.TurnService", "SendTurn", bytes, bytes), null, new(), [.. "capybara"u8, 0xff]).ResponseAsync);
            // Defects, in a grain and at the gateway, that quote what they choked on.
            var error = await Refused(() => host.Say("tenants/demo/conversations/broken", "1", "wombat").Rest());
            Assert.Equal(StatusCode.Internal, error.StatusCode);
            await Refused(() => host.Turns.ListTurnsAsync(new() { Parent = "tenants/demo/conversations/broken" }).ResponseAsync);
        }
        Assert.Contains(written.Lines, line => line.Contains("tenants/demo/conversations/c", StringComparison.Ordinal));
        Assert.Contains(written.Lines, line => line.Contains(nameof(InvalidOperationException), StringComparison.Ordinal) && line.Contains("incident", StringComparison.Ordinal));
        foreach (var word in Words)
            Assert.True(!written.Lines.Any(Holds(word)), $"'{word}' is in a log: {written.Lines.FirstOrDefault(Holds(word))}");

        static Func<string, bool> Holds(string word) => line => line.Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Kinds_and_places_of_an_exception_are_told_and_messages_of_those_alone_that_have_no_words()
    {
        var told = Wordless.Of(Thrown(new InvalidDataException("'wombat' is no number", new TimeoutException("after 3 s")))).ToString();
        Assert.Contains("System.IO.InvalidDataException", told, StringComparison.Ordinal);
        Assert.Contains("System.TimeoutException: after 3 s", told, StringComparison.Ordinal);
        Assert.Contains(nameof(Thrown), told, StringComparison.Ordinal);
        Assert.DoesNotContain("wombat", told, StringComparison.Ordinal);
        Assert.DoesNotContain("wombat", Wordless.Of(new AggregateException(new TimeoutException(), new FormatException("wombat"))).ToString(), StringComparison.Ordinal);
        var known = new RecordUnavailableException("the disk is full", new IOException("no space"));
        Assert.Same(known, Wordless.Of(known));
    }

    private static Exception Thrown(Exception exception)
    {
        try
        {
            throw exception;
        }
        catch (InvalidDataException thrown)
        {
            return thrown;
        }
    }

    private static Task<RpcException> Refused(Func<Task> call) => Assert.ThrowsAsync<RpcException>(call);

    private static void Everything(WebApplicationBuilder builder, Written written)
    {
        builder.Logging.AddProvider(written).SetMinimumLevel(LogLevel.Trace);
        var record = builder.Services.Last(service => service.ServiceType == typeof(IRecord));
        StoredRecord? quoted = null;
        builder.Services.AddSingleton<IRecord>(provider => Quoting.Of(quoted = (StoredRecord)record.ImplementationFactory!(provider)));
        builder.Services.AddSingleton(provider => provider.GetRequiredService<IRecord>() is null ? throw new UnreachableException() : quoted!.Registry);
        builder.Services.AddSingleton(provider => provider.GetRequiredService<IRecord>() is null ? throw new UnreachableException() : quoted!.Index);
        builder.Services.AddSingleton(provider => new ExportRegister(quoted!, provider.GetRequiredService<LegalHolds>(), provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(provider => new Erasures(quoted!, provider.GetRequiredService<RetentionRules>(), provider.GetRequiredService<LegalHolds>(), provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>A record with a defect: of one conversation it throws what it read.</summary>
    internal class Quoting : DispatchProxy
    {
        private IRecord _record = null!;

        public static IRecord Of(IRecord record)
        {
            var quoting = Create<IRecord, Quoting>();
            ((Quoting)(object)quoting)._record = record;
            return quoting;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => args is [ConversationKey { Conversation: "broken" }, ..]
            ? throw new InvalidOperationException("capybara 110105491231002 is not expected here")
            : targetMethod!.Invoke(_record, args);
    }

    /// <summary>Every line with its scopes, its values and its exception.</summary>
    private sealed class Written : ILoggerProvider, ISupportExternalScope
    {
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public void Dispose()
        {
        }

        private sealed class Category(Written written, string name) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => written._scopes.Push(state);

            public bool IsEnabled(LogLevel level) => true;

            public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format)
            {
                var scopes = new List<string>();
                written._scopes.ForEachScope((scope, all) => all.Add(scope is IEnumerable<KeyValuePair<string, object?>> values ? string.Join(", ", values) : $"{scope}"), scopes);
                var values = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(", ", pairs) : "";
                written.Lines.Enqueue($"{level} {name}: {format(state, exception)} | {values} | {string.Join(" => ", scopes)} | {exception}");
            }
        }
    }
}
