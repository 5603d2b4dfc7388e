using System.Collections.Immutable;
using System.Text.Json;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>Who is appointed to what and which keys there are, as the registry has it: a change is seen by every process within a second.</summary>
internal sealed partial class Grants(IRegistry registry, TimeProvider time, ILogger<Grants> log) : BackgroundService
{
    /// <summary>What lacks something is as unreadable as what is no JSON.</summary>
    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile ImmutableDictionary<(string Tenant, string Subject), RoleBinding> _bindings = ImmutableDictionary<(string, string), RoleBinding>.Empty;
    private volatile ImmutableDictionary<string, ApiKey> _keys = ImmutableDictionary<string, ApiKey>.Empty;

    // By their documents, because a removed one no longer says whose it was.
    private ImmutableDictionary<DocumentKey, string> _subjects = ImmutableDictionary<DocumentKey, string>.Empty;
    private ImmutableDictionary<DocumentKey, string> _hashes = ImmutableDictionary<DocumentKey, string>.Empty;

    /// <exception cref="RefusedException"><see cref="Reason.RecordUnavailable"/>: since the start the registry could not be read.</exception>
    public async ValueTask Known(CancellationToken cancellation)
    {
        if (_known.Task.IsCompleted)
            return;
        try
        {
            await _known.Task.WaitAsync(Patience, time, cancellation);
        }
        catch (TimeoutException)
        {
            throw new RefusedException(new(Reason.RecordUnavailable, "the registry could not be read yet, and with it who may do what: send the same request again"));
        }
    }

    public IEnumerable<Permission> Of(string tenant, string subject) => _bindings.TryGetValue((tenant, subject), out var binding) ? Of(binding.Roles) : [];

    /// <summary>The same for who is no person: roles that take one give nothing.</summary>
    public IEnumerable<Permission> OfProgram(string tenant, string subject) =>
        _bindings.TryGetValue((tenant, subject), out var binding) ? Of(binding.Roles.Where(role => Role.Find(role) is { IsForPrograms: true })) : [];

    /// <summary>What the roles give in a tenant.</summary>
    public static IEnumerable<Permission> Of(IEnumerable<string> roles) =>
        roles.Select(Role.Find).OfType<Role>().SelectMany(role => role.Permissions).Where(PermissionSet.All.Contains);

    /// <param name="hash">Of the secret.</param>
    public ApiKey? FindKey(string hash) => _keys.GetValueOrDefault(hash);

    /// <summary>Null for a document that is none of these, or cannot be read: it gives nothing.</summary>
    public static RoleBinding? Binding(Document document) => Read<RoleBinding>(document);

    /// <inheritdoc cref="Binding"/>
    public static ApiKey? Key(Document document) => Read<ApiKey>(document) is { } key ? key with { Tenant = document.Key.Tenant, Id = document.Key.Id } : null;

    public static byte[] Content<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Form);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var changed in registry.FollowAsync([RoleBinding.Kind, ApiKey.Kind], time, stoppingToken))
                {
                    foreach (var document in changed)
                        Apply(document);
                    _known.TrySetResult();
                }
            }
            catch (RecordUnavailableException)
            {
                await Task.Delay(Pause, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }

    private void Apply(Document document)
    {
        if (document.Key.Kind == RoleBinding.Kind)
        {
            if (_subjects.TryGetValue(document.Key, out var before))
                _bindings = _bindings.Remove((document.Key.Tenant, before));
            if (Required(Binding(document), document) is not { } binding)
                return;
            _subjects = _subjects.SetItem(document.Key, binding.Subject);
            _bindings = _bindings.SetItem((document.Key.Tenant, binding.Subject), binding);
        }
        else
        {
            if (_hashes.TryGetValue(document.Key, out var before))
                _keys = _keys.Remove(before);
            if (Required(Key(document), document) is not { } key)
                return;
            _hashes = _hashes.SetItem(document.Key, key.Hash);
            _keys = _keys.SetItem(key.Hash, key);
        }
    }

    private T? Required<T>(T? read, Document document) where T : class
    {
        if (read is null && document.Content is not null)
            LogUnread(document.Key.ToString());
        return read;
    }

    private static T? Read<T>(Document document) where T : class
    {
        try
        {
            return document.Content is { } content ? JsonSerializer.Deserialize<T>(content, Form) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The {Document} cannot be read, and gives nobody anything")]
    private partial void LogUnread([NameData] string document);
}
