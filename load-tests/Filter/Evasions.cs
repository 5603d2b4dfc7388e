using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>Ways in which people write a word so that a list does not know it. Each is null for a text that it does not change.</summary>
internal static class Evasions
{
    /// <summary>Simplified characters and their traditional forms, side by side.</summary>
    private const string Forms = "万萬与與业業东東丝絲丢丟两兩严嚴丧喪个個丰豐临臨为為举舉义義乐樂书書买買乱亂争爭亏虧云雲产產亲親亿億仅僅从從仓倉仪儀们們价價众眾优優会會传傳伤傷伪偽体體余餘债債倾傾偿償储儲儿兒关關兴興养養兽獸内內写寫军軍农農冲衝决決况況冻凍净淨减減几幾击擊刘劉则則刚剛创創删刪别別剂劑剑劍办辦务務动動励勵劲勁劳勞势勢区區医醫华華协協单單卖賣卢盧卫衛却卻厂廠厅廳历歷压壓厌厭参參双雙发發变變叠疊叶葉号號叹嘆听聽启啟员員园園围圍国國图圖圆圓场場坏壞块塊坚堅垄壟垫墊报報执執备備复復头頭夺奪奖獎妇婦孙孫学學实實宠寵审審宪憲宽寬宾賓对對导導寿壽将將层層属屬岁歲岛島币幣师師帐帳带帶帮幫库庫应應庙廟废廢开開异異弃棄张張强強归歸当當录錄彻徹径徑御禦忆憶怀懷态態总總恶惡惊驚惧懼惨慘惯慣愿願懒懶战戰户戶扑撲扫掃扬揚扰擾抚撫抢搶护護担擔拟擬拥擁择擇挂掛挡擋挤擠损損换換据據携攜摄攝敌敵数數断斷无無旧舊时時显顯晓曉术術机機杀殺权權条條来來杨楊极極构構枪槍标標栋棟树樹样樣档檔桥橋检檢楼樓欢歡欧歐残殘毁毀毕畢汇匯汉漢没沒沟溝泪淚泽澤洁潔浅淺测測济濟浓濃涨漲润潤涛濤渐漸渔漁温溫湾灣湿濕满滿滚滾潜潛灭滅灯燈灵靈灾災炉爐点點炼煉烂爛热熱爱愛爷爺牵牽犹猶独獨狱獄猎獵环環现現玛瑪电電画畫畅暢疗療疯瘋盘盤监監盖蓋盗盜码碼矿礦确確碍礙礼禮离離种種积積称稱税稅稳穩穷窮窃竊竞競笔筆签簽简簡类類粮糧紧緊纠糾红紅纤纖约約级級纪紀纯純纲綱纳納纵縱纷紛纸紙纹紋线線练練组組细細织織终終绍紹经經结結给給络絡绝絕统統继繼绩績续續维維综綜绿綠缓緩编編缘緣缩縮罗羅罚罰罢罷职職联聯肃肅肠腸肤膚胁脅胜勝脑腦脱脫脸臉腾騰舰艦艺藝节節苏蘇范範药藥荐薦荣榮获獲营營萧蕭蓝藍虑慮虚虛虽雖补補装裝见見观觀规規视視览覽觉覺触觸计計订訂认認讨討让讓训訓议議讯訊记記讲講许許论論设設访訪证證评評识識诈詐诉訴词詞试試诗詩话話该該详詳语語误誤说說请請诸諸诺諾读讀课課谁誰调調谈談谋謀谎謊谢謝谨謹负負财財责責败敗账賬货貨质質贩販贪貪贫貧购購贯貫贴貼贵貴贷貸费費贸貿资資赃贓赌賭赎贖赏賞赔賠赖賴赚賺赛賽赢贏赶趕趋趨跃躍踪蹤车車轨軌转轉轮輪软軟轻輕载載较較辑輯输輸边邊达達过過还還这這进進远遠违違连連迟遲适適选選递遞逻邏遗遺邻鄰郑鄭释釋针針钓釣钟鐘钢鋼钱錢钻鑽铁鐵铜銅银銀链鏈销銷锁鎖错錯锦錦键鍵镇鎮镜鏡长長门門闪閃问問间間闻聞阅閱队隊阳陽阴陰阵陣阶階际際陆陸陈陳险險随隨隐隱难難静靜韩韓页頁顶頂项項顺順须須顾顧顿頓预預领領频頻题題额額风風飞飛饭飯饮飲馆館驱驅验驗骗騙骚騷鱼魚鲜鮮鸟鳥鸡雞麦麥黄黃齐齊龙龍";

    private const string LookAlike = "aаcсeеiіjјoоpрsѕxхyуhһkкmмtтbЬdԁwԝvѵ";
    private const string Digits = "1①2②3③4④5⑤6⑥7⑦8⑧9⑨0⓪一㈠二㈡三㈢四㈣五㈤六㈥七㈦八㈧九㈨十㈩";
    private const string Leets = "a4a@e3i1i!o0s5s$t7b8";
    private const string Inserted = "*-_.·~|/#^•、＊ ";

    public static readonly IReadOnlyDictionary<string, Func<string, Random, string?>> All = new Dictionary<string, Func<string, Random, string?>>
    {
        ["full_width"] = (text, _) => Each(text, c => c is > ' ' and <= '~' ? $"{(char)(c + 0xFEE0)}" : $"{c}"),
        ["case"] = (text, random) => Each(text, c => random.Next(2) == 0 ? $"{char.ToUpperInvariant(c)}" : $"{c}"),
        ["traditional"] = (text, _) => Each(text, c => Other(Forms, c)),
        ["digit_forms"] = (text, _) => Each(text, c => Other(Digits, c)),
        ["homoglyphs"] = (text, _) => Each(text, c => Other(LookAlike, c)),
        ["zero_width"] = (text, random) => Between(text, 1, random, _ => $"{"\u200b\u200c\u200d\u2060\ufeff\u00ad"[random.Next(6)]}"),
        ["symbols"] = Symbols,
        ["repeats"] = (text, random) => Repeats(text, random),
        ["accents"] = (text, random) => Each(text, c => char.IsAsciiLetter(c) && random.Next(2) == 0 ? $"{c}{"\u0300\u0301\u0308\u0323"[random.Next(4)]}" : $"{c}"),
        ["math_letters"] = (text, _) => Each(text, c => c is >= 'a' and <= 'z' ? char.ConvertFromUtf32(0x1D41A + c - 'a') : $"{c}"),
        ["pinyin"] = (text, random) => Pinyin(text, random.Next(2) == 0 ? " " : "", _ => true),
        ["pinyin_in_part"] = (text, random) => Pinyin(text, "", MiddleOnly(text, random)),
        ["leet"] = Leet,
    };

    private static string? Each(string text, Func<char, string> change) => string.Concat(text.Select(change)) is var changed && changed != text ? changed : null;

    private static string Other(string pairs, char c) => pairs.IndexOf(c) is >= 0 and var at && at % 2 == 0 ? $"{pairs[at + 1]}" : $"{c}";

    /// <summary>Chinese with anything anywhere; Latin words with a space only where all letters are spaced out, as one alone parts words.</summary>
    private static string? Symbols(string text, Random random)
    {
        var isLatin = text.Any(char.IsAsciiLetter);
        var sign = Inserted[random.Next(Inserted.Length - (isLatin ? 2 : 0))];
        // A comma alone is a comma.
        var everywhere = random.Next(2) == 0 || sign is '、';
        return Between(text, everywhere ? 1 : 0.4, random, _ => new string(sign, everywhere ? 1 : random.Next(1, 4)));
    }

    /// <param name="share">Of the places between two characters.</param>
    private static string? Between(string text, double share, Random random, Func<int, string> put)
    {
        var changed = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (i > 0 && text[i] != ' ' && text[i - 1] != ' ' && random.NextDouble() < share) changed.Append(put(i));
            changed.Append(text[i]);
        }
        return changed.Length > text.Length ? changed.ToString() : null;
    }

    private static string? Repeats(string text, Random random)
    {
        var at = random.Next(text.Length);
        return char.IsAsciiDigit(text[at]) || text[at] == ' ' ? null : text[..at] + new string(text[at], random.Next(char.IsAscii(text[at]) ? 3 : 2, 6)) + text[(at + 1)..];
    }

    private static Func<int, bool> MiddleOnly(string text, Random random)
    {
        var at = random.Next(text.Length);
        return i => i == at;
    }

    /// <summary>As <c>pinyin.txt</c> has it: where a character is read in two ways, the first.</summary>
    private static string? Pinyin(string text, string parted, Func<int, bool> isWritten)
    {
        if (text.Length is < 2 or > 12 || !text.All(Syllables.ContainsKey)) return null;
        return string.Join(parted, text.Select((c, i) => isWritten(i) ? Syllables[c] : $"{c}"));
    }

    private static readonly Dictionary<char, string> Syllables = EmbeddedTable.Lines("pinyin.txt")
        .SelectMany(line => line[(line.IndexOf('\t') + 1)..].Select(character => (character, syllable: line[..line.IndexOf('\t')])))
        .DistinctBy(pair => pair.character).ToDictionary(pair => pair.character, pair => pair.syllable);

    private static string? Leet(string text, Random random)
    {
        if (!text.All(c => char.IsAsciiLetterLower(c) || c == ' ')) return null;
        var left = text.Count(char.IsAsciiLetter) / 2;
        return text.Length < 4 ? null : Each(text, c =>
        {
            if (left == 0 || random.Next(3) == 0) return $"{c}";
            var signs = Enumerable.Range(0, Leets.Length / 2).Where(i => Leets[2 * i] == c).Select(i => Leets[2 * i + 1]).ToArray();
            if (signs.Length == 0) return $"{c}";
            left--;
            return $"{signs[random.Next(signs.Length)]}";
        });
    }
}
