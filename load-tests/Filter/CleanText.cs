using System.Text;

namespace R1Grains.LoadTests.Filter;

/// <summary>
/// Sentences in which nothing is wrong, as a bank's service and the news write them: notices, answers, risk disclosures
/// and warnings among them, for there the words of a list stand close to each other. Written without looking at any list.
/// </summary>
internal static class CleanText
{
    private static readonly Dictionary<string, string[]> Slots = new()
    {
        ["name"] = ["李女士", "王先生", "张阿姨", "陈经理", "赵老师", "刘小姐", "孙师傅", "周女士"],
        ["bank"] = ["本行", "我行", "分行营业部", "信用卡中心", "高新区支行", "手机银行", "网上银行", "客服中心"],
        ["product"] = ["定期存款", "大额存单", "活期理财", "稳健增利一号", "住房贷款", "个人经营贷", "青禾信用卡", "黄金积存", "货币基金", "养老储蓄", "国债", "外汇兑换", "代发工资", "小微企业贷"],
        ["city"] = ["广州", "成都", "苏州", "武汉", "西安", "宁波", "青岛", "长沙", "合肥", "厦门"],
        ["number"] = ["3", "5", "12", "18", "24", "36", "60", "90", "120", "365"],
        ["amount"] = ["500元", "2,000元", "1.5万元", "五万元", "20万元", "一百万元", "3000美元", "8.8亿元"],
        ["rate"] = ["1.35%", "2.05%", "3.1%", "4.35%", "12%", "0.6%", "万分之五", "千分之三"],
        ["month"] = ["1月", "3月", "6月", "9月", "10月", "12月", "上半年", "三季度"],
        ["place"] = ["柜台", "自助设备", "智慧柜员机", "手机银行App", "微信公众号", "网点大堂", "电话银行"],
        ["paper"] = ["身份证", "户口簿", "工作证明", "收入证明", "营业执照", "购房合同", "结婚证", "居住证"],
        ["trade"] = ["制造业", "新能源汽车", "半导体", "农产品加工", "跨境电商", "文旅", "医药", "航运", "光伏", "物流"],
        ["person"] = ["行长", "首席经济学家", "分析师", "发言人", "研究员", "客户经理", "评级机构"],
    };

    private static readonly string[] Sentences =
    [
        "您好，{product}的办理时间为工作日上午九点至下午五点。", "{name}，您申请的{product}已经受理，预计{number}个工作日内答复。", "请携带{paper}原件到{bank}{place}办理。",
        "{bank}提醒您，{product}的年利率为{rate}，具体以合同为准。", "如需提前还款，请至少提前{number}天预约。", "您可以在{place}查询{product}的明细。", "账单日为每月{number}日，到期还款日在其后第二十天。",
        "最低还款额为{amount}，未还部分按日计收利息，日利率{rate}。", "挂失后卡片立即冻结，原卡资金不受影响。", "补办新卡需要{paper}和{amount}工本费。", "跨行转账{amount}以内免收手续费。",
        "单日累计转账限额为{amount}，可在{place}调整。", "密码连续输错三次后，当日将无法使用该功能。", "短信验证码请勿告诉任何人，工作人员不会向您索要。", "本行工作人员不会以任何理由要求您把钱转到别人的账户。",
        "理财产品不等于存款，产品有风险，投资需谨慎。", "过往业绩不代表未来表现，不构成对收益的任何承诺。", "本产品为非保本浮动收益型，您可能损失部分本金。", "业绩比较基准为{rate}，不是预期收益率。",
        "请根据自身的风险承受能力选择适合的产品。", "风险评估的有效期为一年，过期后需要重新测评。", "{product}的起购金额是{amount}，以千元递增。", "封闭期内不能赎回，封闭期为{number}天。", "赎回资金将在两个交易日内到账。",
        "管理费按{rate}每年收取，从产品资产中每日计提。", "存款保险的最高偿付限额为人民币五十万元。", "{product}属于{bank}自营业务，可在{place}核实。", "代销产品由发行机构承担管理责任，{bank}不承担兑付义务。",
        "您名下的{product}将于{month}到期，到期后自动转存。", "如果您没有收到对账单，请更新通讯地址。", "开户时请填写真实姓名、职业和联系电话。", "未成年人开户须由监护人陪同，并出示{paper}。", "境外取现每笔收取{amount}手续费。",
        "外币兑换请先查询当日牌价，汇率实时变动。", "小额免密支付的单笔上限为{amount}。", "ETC绑卡后次日生效，通行费每月汇总扣款。", "信用卡积分可以兑换里程，{number}分起兑。", "年费标准为{amount}，刷满六次免次年年费。",
        "分期手续费每期{rate}，提前结清不再收取剩余费用。", "申请提额需要近半年的用卡记录。", "征信报告每年可以免费查询两次。", "如对征信记录有异议，可向人民银行提出申请。", "逾期会影响您的信用记录，请及时还款。",
        "公积金贷款利率为{rate}，商业贷款按LPR加点。", "首套房首付比例不低于百分之十五。", "抵押登记由不动产登记中心办理，约需{number}天。", "还款方式有等额本息和等额本金两种。", "贷款资金不得流入股市和楼市。",
        "小微企业凭{paper}可以申请不超过{amount}的信用贷款。", "{bank}在{city}新设两家社区网点。", "今日{city}网点因系统升级暂停服务，敬请谅解。", "排队人数较多，建议您使用{place}。", "请问您要咨询的是{product}还是{product}？",
        "{name}您好，我是{bank}的客服，工号{number}。", "感谢您的来电，祝您生活愉快，再见。", "请稍等，我帮您查询一下{product}的进度。", "很抱歉给您带来不便，我们会在{number}小时内回复。", "您的意见已经记录，编号为{number}。",
        "投诉处理结果将以短信和电话的方式告知。", "请不要点击来历不明的链接，也不要下载陌生的软件。", "接到自称警察的电话要求汇款时，请拨打110核实。", "近期有不法分子假冒银行员工推销贷款，请提高警惕。", "警方提示：凡是要求先交费再放款的，都要小心。",
        "老年客户应留意高息诱惑，守住自己的养老钱。", "本行从不通过社交软件向客户推荐股票。", "投资者应当通过正规渠道了解上市公司的公开信息。", "任何机构和个人不得利用未公开的信息买卖证券。", "金融监管总局{month}通报了多起违规销售案例。",
        "反洗钱工作需要每一位客户的配合。", "根据规定，{amount}以上的现金存取需要登记用途。", "客户身份资料至少保存五年。", "出租、出借账户可能承担法律责任。", "公安机关{month}在{city}侦破一起电信网络诈骗案。",
        "{city}{month}召开消费者权益保护座谈会。", "{person}表示，{trade}的融资需求正在回升。", "据统计，{month}新增贷款{amount}，同比增长{rate}。", "{city}港口货物吞吐量{month}增长{rate}。", "央行{month}开展{amount}逆回购操作，中标利率{rate}。",
        "人民币对美元中间价上调{number}个基点。", "A股三大指数涨跌不一，沪指收涨{rate}。", "{trade}板块领涨，成交额超过{amount}。", "{person}认为，短期波动不改变{trade}长期向好的趋势。", "多家机构上调{trade}企业的盈利预测。",
        "{city}地铁{number}号线将于{month}开通初期运营。", "国家统计局公布，{month}居民消费价格同比上涨{rate}。", "{trade}企业发行{amount}绿色债券，票面利率{rate}。", "受台风影响，{city}部分航班延误。", "{city}中小学{month}开展金融知识进校园活动。",
        "{bank}为{trade}客户提供供应链金融服务。", "银团贷款签约仪式在{city}举行，总额{amount}。", "新版手机银行支持大字模式和语音导航。", "数字人民币试点扩大到{city}的公共交通。", "{trade}出口退税平均办理时间缩短到{number}个工作日。",
        "评级机构维持该行AA+的主体信用等级，展望稳定。", "董事会审议通过分红方案，每十股派现{amount}。", "年报显示，该行不良贷款率为{rate}，较年初下降。", "拨备覆盖率和资本充足率均满足监管要求。", "该基金近一年净值回撤{rate}，规模{amount}。",
        "货币政策将保持流动性合理充裕。", "专家建议完善多层次的养老保障体系。", "{city}推出人才购房补贴，最高{amount}。", "夜间经济带动餐饮消费，{city}客流增长{rate}。", "气象台预计{city}未来三天有中到大雨。",
        "客户问：我的{product}利息怎么算？", "客户问：忘记密码了，能在{place}重置吗？", "我想把{amount}存成{number}个月的定期，利率多少？", "昨天在{city}刷卡消费{amount}，今天怎么还没有入账？", "孩子上大学，办哪种卡比较方便？",
        "我父亲去世了，他的存款要怎样继承？", "工资卡换了单位，还能继续使用吗？", "请帮我查一下{month}的流水，我要办签证。", "我收到一条短信说账户异常，是真的吗？", "对公账户年检需要哪些材料？",
        "“保险产品不是存款，退保可能有损失。”{person}提醒。", "说明书第{number}页列明了全部费用。", "这款产品适合能够承受净值波动的客户，不适合只想保住本金的客户。", "收益不固定，本金也不保证；请先看清条款，再做决定。", "亏损由投资者自行承担，银行不会赔付。",
        "他稳稳当当地把钱存进了银行，每个月还能攒下{amount}。", "赚多赚少要看市场，谁也说不准。", "内部审计部门每年检查两次，消息会在官网公布。", "停电期间，网点内部的人员消息灵通，秩序井然。", "幕后英雄的故事，消息传遍{city}。",
        "她大大方方地说：高高兴兴过年，平平安安回家！", "哈哈哈哈，这个功能真方便！！！谢谢～", "嗯嗯，好的好的，我知道了。", "OK，我用iPhone15的Safari登录试试。", "请发邮件到service@example.com，或拨打400-000-1234转2。",
        "会议时间：2026-03-15 14:30，地点：{city}·国际会议中心（B座）3F。", "WiFi、5G、NFC、U盾、PIN、CVV这些名词是什么意思？", "卡号尾号{number}的账户于{month}支出{amount}。", "套餐A：{amount}；套餐B：{amount}；套餐C：另议。", "①携带{paper}；②填写申请表；③等待审核。",
    ];

    /// <summary>Sentences, no two alike; the same seed gives the same ones.</summary>
    public static List<string> Of(int count, int seed)
    {
        var random = new Random(seed);
        HashSet<string> sentences = new(count);
        while (sentences.Count < count)
        {
            // Those without slots come once alone, then beside others.
            var sentence = Fill(Sentences[random.Next(Sentences.Length)], random);
            if (!sentences.Add(sentence)) sentences.Add(sentence + Fill(Sentences[random.Next(Sentences.Length)], random));
        }
        return [.. sentences];
    }

    private static string Fill(string sentence, Random random)
    {
        var filled = new StringBuilder();
        for (var at = 0; at < sentence.Length; at++)
        {
            if (sentence[at] != '{')
            {
                filled.Append(sentence[at]);
                continue;
            }
            var end = sentence.IndexOf('}', at);
            var words = Slots[sentence[(at + 1)..end]];
            filled.Append(words[random.Next(words.Length)]);
            at = end;
        }
        return filled.ToString();
    }
}
