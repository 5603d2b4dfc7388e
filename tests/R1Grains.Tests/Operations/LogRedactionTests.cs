using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Reflection;
using Microsoft.Extensions.Compliance.Classification;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Access;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Operations;

/// <summary>What log messages may be given, and what becomes of it.</summary>
public sealed class LogRedactionTests
{
    // What has no class is one of these: it holds no text, or ids alone.
    private static readonly Type[] Harmless = [typeof(int), typeof(long), typeof(DateTime), typeof(TimeSpan), typeof(Digest), typeof(ConversationKey), typeof(Exception)];

    // Beside who writes it, of course.
    private static readonly string[] Classes = [.. new[] { LogData.Name, LogData.Told, LogData.Person }.Select(known => known.Value)];

    [Fact]
    public void Every_parameter_of_a_log_message_says_what_it_holds()
    {
        Assembly[] house = [typeof(R1Host).Assembly, typeof(IRecord).Assembly, typeof(InferenceEngine).Assembly];
        MethodInfo[] messages = [.. house.SelectMany(assembly => assembly.GetTypes()).SelectMany(Declared).Where(method => method.IsDefined(typeof(LoggerMessageAttribute)))];
        Assert.InRange(messages.Length, 20, int.MaxValue);
        Assert.Empty(messages.SelectMany(Unclassified));
    }

    [Fact]
    public void What_has_no_class_or_one_that_nobody_knows_is_found()
    {
        Assert.Equal(["words of Wrong", "sentence of Wrong"], Unclassified(typeof(LogRedactionTests).GetMethod(nameof(Wrong), BindingFlags.NonPublic | BindingFlags.Static)!));
    }

    [Fact]
    public async Task Somebody_is_the_same_hash_in_every_line_and_after_a_restart_with_the_same_root_key()
    {
        var root = Convert.ToBase64String(new byte[32]);
        var anna = await Logged("anna", root);
        Assert.DoesNotContain("anna", anna, StringComparison.Ordinal);
        Assert.Contains("access.denied of demo by 1:", anna, StringComparison.Ordinal);
        Assert.Equal(anna, await Logged("anna", root));
        Assert.NotEqual(anna, await Logged("ben", root));
        Assert.NotEqual(anna, await Logged("anna", Convert.ToBase64String([1, .. new byte[31]])));
    }

    /// <summary>What is logged where a denial of somebody cannot be recorded.</summary>
    private static async Task<string> Logged(string subject, string root)
    {
        var lines = new Lines();
        await using var host = await EmbeddedHost.Start(configure: builder => builder.Logging.AddProvider(lines), settings: [$"--R1:Record:RootKey={root}"]);
        using var denials = new Denials(DispatchProxy.Create<IRegistry, Unavailable>(), TimeProvider.System, host.App.Services.GetRequiredService<ILogger<Denials>>());
        await denials.Denied(new("demo", subject, FrozenSet<Permission>.Empty), "/method", null, null);
        return Assert.Single(lines.All);
    }

    private static IEnumerable<MethodInfo> Declared(Type type) =>
        type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly);

    private static IEnumerable<string> Unclassified(MethodInfo message) =>
        from parameter in message.GetParameters()
        let type = parameter.ParameterType
        where !typeof(ILogger).IsAssignableFrom(type) && !type.IsEnum && !Harmless.Contains(type)
        where parameter.GetCustomAttribute<DataClassificationAttribute>() is not { } classified || !Classes.Contains(classified.Classification.Value)
        select $"{parameter.Name} of {message.Name}";

    private static void Wrong(int number, string words, [NameData] string name, [Unknown] string sentence) => throw new NotSupportedException($"{number}{words}{name}{sentence}");

    [AttributeUsage(AttributeTargets.Parameter)]
    private sealed class UnknownAttribute() : DataClassificationAttribute(new("Tests", "Unknown"));

    internal class Unavailable : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new RecordUnavailableException("the disk is full");
    }

    /// <summary>Those of denials, as they are written.</summary>
    private sealed class Lines : ILoggerProvider
    {
        public ConcurrentQueue<string> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Category(categoryName == typeof(Denials).FullName ? All : []);

        public void Dispose()
        {
        }

        private sealed class Category(ConcurrentQueue<string> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel level) => true;

            public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) => lines.Enqueue(format(state, exception));
        }
    }
}
